import { expect, test } from "vitest";
import { createBalancer } from "./balancer.ts";
import { seededRandom, testBackend } from "./balancer.fixture.ts";

const set = (weights: number[], seed = 1) =>
  createBalancer(testBackend("LeastRequest", weights), seededRandom(seed));

test("a small pool always picks an endpoint with the fewest requests per weight", () => {
  const balancer = set([1, 1, 2]);
  for (const index of [0, 1, 2, 2]) balancer.started(index);
  balancer.started(0);
  balancer.started(1);
  // Loads per weight are now 2, 2 and 1.
  expect(balancer.pick({ nowMs: 0 })).toBe(2);
  balancer.started(2);
  balancer.started(2);
  balancer.started(2);
  expect([0, 1]).toContain(balancer.pick({ nowMs: 0 }));
});

test("idle endpoints take turns by weight", () => {
  const balancer = set([2, 1]);
  const picks = Array.from({ length: 30 }, () => balancer.pick({ nowMs: 0 }));
  expect(picks.filter((index) => index === 0)).toHaveLength(20);
});

test("an endpoint that was busy for long is not flooded when it is free", () => {
  const balancer = set([1, 1]);
  balancer.started(0);
  for (let n = 0; n < 100; n++) expect(balancer.pick({ nowMs: 0 })).toBe(1);
  balancer.ended(0, { nowMs: 0, latencyMs: 0, failed: false });
  const picks = Array.from({ length: 10 }, () => balancer.pick({ nowMs: 0 }));
  expect(picks.filter((index) => index === 0).length).toBeLessThanOrEqual(6);
});

test("a slow endpoint among many gets less and never much more than its fair load", () => {
  const size = 100;
  const random = seededRandom(3);
  const balancer = createBalancer(testBackend("LeastRequest", Array<number>(size).fill(1)), random);
  // Virtual time: two requests arrive per ms; they take 100 ms, on endpoint 0 ten times that.
  const ending = new Map<number, number[]>();
  let peak = 0;
  let picksOfSlow = 0;
  for (let nowMs = 0; nowMs < 5_000; nowMs++) {
    for (const index of ending.get(nowMs) ?? []) {
      balancer.ended(index, { nowMs, latencyMs: 100, failed: false });
    }
    for (let n = 0; n < 2; n++) {
      const index = balancer.pick({ nowMs });
      balancer.started(index);
      if (index === 0) picksOfSlow++;
      peak = Math.max(peak, balancer.inFlight(index));
      const endMs = nowMs + (index === 0 ? 1_000 : 100);
      ending.set(endMs, [...(ending.get(endMs) ?? []), index]);
    }
  }
  expect(picksOfSlow).toBeLessThan(10_000 / size / 2);
  expect(peak).toBeLessThanOrEqual(6);
});
