import { expect, test } from "vitest";
import { createBalancer } from "./balancer.ts";
import { seededRandom, testBackend } from "./balancer.fixture.ts";

/** Runs traffic on virtual time; `latencyMs(index, nowMs)` is what each endpoint needs. Returns picks per endpoint. */
function simulate(
  weights: number[],
  latencyMs: (index: number, nowMs: number) => number,
  fails: (index: number) => boolean = () => false,
  durationMs = 20_000,
  fromMs = 10_000,
) {
  const balancer = createBalancer(testBackend("PeakEWMA", weights), seededRandom(5));
  const counts = weights.map(() => 0);
  const ending = new Map<number, { index: number; took: number }[]>();
  for (let nowMs = 0; nowMs < durationMs; nowMs++) {
    for (const { index, took } of ending.get(nowMs) ?? []) {
      balancer.ended(index, { nowMs, latencyMs: took, failed: fails(index) });
    }
    const index = balancer.pick({ nowMs });
    balancer.started(index);
    if (nowMs >= fromMs) counts[index]!++;
    const took = latencyMs(index, nowMs);
    const list = ending.get(nowMs + took) ?? [];
    ending.set(nowMs + took, [...list, { index, took }]);
  }
  return counts.map((count) => count / (durationMs - fromMs));
}

test("equal endpoints share equally", () => {
  for (const part of simulate([1, 1, 1, 1], () => 10)) expect(Math.abs(part - 0.25)).toBeLessThan(0.03);
});

test("an endpoint ten times slower gets a small part, but is still tried", () => {
  const [slow] = simulate([1, 1, 1], (index) => (index === 0 ? 100 : 10));
  expect(slow).toBeLessThan(0.1);
  expect(slow).toBeGreaterThan(0);
});

test("an endpoint that fails fast does not draw the traffic", () => {
  const [failing] = simulate(
    [1, 1, 1],
    (index) => (index === 0 ? 1 : 20),
    (index) => index === 0,
  );
  expect(failing).toBeLessThan(0.05);
});

test("an endpoint that is fast again gets its part back", () => {
  const [healed] = simulate(
    [1, 1],
    (index, nowMs) => (index === 0 && nowMs < 5_000 ? 500 : 10),
    undefined,
    120_000,
    90_000,
  );
  expect(healed).toBeGreaterThan(0.35);
});

test("an endpoint never heard of gets one request until it answers", () => {
  const balancer = createBalancer(testBackend("PeakEWMA", [1, 1]), seededRandom(1));
  balancer.started(1);
  balancer.ended(1, { nowMs: 0, latencyMs: 10, failed: false });
  expect(balancer.pick({ nowMs: 0 })).toBe(0);
  balancer.started(0);
  for (let n = 0; n < 100; n++) expect(balancer.pick({ nowMs: n })).toBe(1);
});
