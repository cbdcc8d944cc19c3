// What every algorithm owes its caller, as one table run over all of them.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LoadBalancer } from "#contract/snapshot.ts";
import { createBalancer } from "./balancer.ts";
import { seededRandom, testBackend } from "./balancer.fixture.ts";
import { hashText } from "./hash-text.ts";

const types: LoadBalancer["type"][] = ["RoundRobin", "LeastRequest", "Random", "ConsistentHash", "PeakEWMA"];

function setUp(type: LoadBalancer["type"], weights: number[], seed = 1) {
  const balancer = createBalancer(testBackend(type, weights), seededRandom(seed));
  let nowMs = 0;
  return {
    balancer,
    pick: (exclude?: number[]) =>
      balancer.pick({ nowMs: nowMs++, hashKey: hashText(`client ${nowMs}`), exclude }),
  };
}

describe.each(types)("%s", (type) => {
  test("shares follow the weights", () => {
    const weights = [4, 1, 0, 2, 1];
    const { pick } = setUp(type, weights);
    const counts = weights.map(() => 0);
    for (let n = 0; n < 80_000; n++) counts[pick()]! += 1;
    counts.forEach((count, index) => expect(Math.abs(count / 10_000 - weights[index]!)).toBeLessThan(0.15));
    expect(counts[2]).toBe(0);
  });

  test("an unhealthy endpoint is skipped, and back when it is healthy again", () => {
    const { balancer, pick } = setUp(type, [1, 1, 1]);
    balancer.setHealthy(1, false);
    const without = new Set(Array.from({ length: 200 }, () => pick()));
    expect([...without].sort()).toEqual([0, 2]);
    balancer.setHealthy(1, true);
    const withIt = new Set(Array.from({ length: 200 }, () => pick()));
    expect([...withIt].sort()).toEqual([0, 1, 2]);
  });

  test.each([[[]], [[0]], [[0, 0]]])("weights %j: nothing to pick", (weights) => {
    expect(setUp(type, weights).pick()).toBe(-1);
  });

  test("all endpoints unhealthy: nothing to pick", () => {
    const { balancer, pick } = setUp(type, [1, 1]);
    balancer.setHealthy(0, false);
    balancer.setHealthy(1, false);
    expect(pick()).toBe(-1);
  });

  test("the same random numbers give the same picks", () => {
    const one = setUp(type, [3, 1, 2], 7);
    const two = setUp(type, [3, 1, 2], 7);
    for (let n = 0; n < 100; n++) expect(one.pick()).toBe(two.pick());
  });

  test("a pick is usable and not excluded, and fails only when no such endpoint is left", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ weight: fc.nat(3), healthy: fc.boolean(), excluded: fc.boolean() }), {
          maxLength: 24,
        }),
        fc.array(fc.nat(23), { maxLength: 30 }),
        fc.nat(),
        (endpoints, load, seed) => {
          const weights = endpoints.map(({ weight }) => weight);
          const { balancer, pick } = setUp(type, weights, seed);
          endpoints.forEach(({ healthy }, index) => balancer.setHealthy(index, healthy));
          for (const index of load) if (index < weights.length) balancer.started(index);
          const exclude = endpoints.flatMap(({ excluded }, index) => (excluded ? [index] : []));
          const usable = endpoints.flatMap((endpoint, index) =>
            endpoint.weight > 0 && endpoint.healthy && !endpoint.excluded ? [index] : [],
          );
          for (let n = 0; n < 8; n++) {
            const index = pick(exclude);
            if (usable.length === 0) expect(index).toBe(-1);
            else expect(usable).toContain(index);
          }
        },
      ),
    );
  });

  test("requests under way are counted, and a request cannot end twice", () => {
    const { balancer } = setUp(type, [1, 1]);
    balancer.started(1);
    balancer.started(1);
    balancer.ended(1, { nowMs: 5, latencyMs: 5, failed: false });
    expect([balancer.inFlight(0), balancer.inFlight(1)]).toEqual([0, 1]);
    expect(() => balancer.ended(0, { nowMs: 5, latencyMs: 5, failed: false })).toThrow(RangeError);
  });
});

test("a backend is up while one endpoint is healthy and in service, whatever panic does", () => {
  const balancer = createBalancer(testBackend("RoundRobin", [1, 1]), seededRandom(1));
  expect(balancer.hasUp()).toBe(true);
  balancer.setHealthy(0, false, 0);
  expect(balancer.hasUp()).toBe(true);
  balancer.administer(1, "drain", undefined, 0);
  expect(balancer.hasUp()).toBe(false);
  balancer.administer(1, "ready", undefined, 0);
  balancer.setEjected(1, true, 0);
  expect(balancer.hasUp()).toBe(false);
});
