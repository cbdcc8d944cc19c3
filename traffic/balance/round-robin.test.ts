import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createBalancer } from "./balancer.ts";
import { seededRandom, testBackend } from "./balancer.fixture.ts";

const picks = (weights: number[], count: number, random: () => number = () => 0) => {
  const balancer = createBalancer(testBackend("RoundRobin", weights), random);
  return Array.from({ length: count }, (_, nowMs) => balancer.pick({ nowMs }));
};

test("equal weights take turns", () => {
  expect(picks([1, 1, 1], 7)).toEqual([0, 1, 2, 0, 1, 2, 0]);
});

test("a heavy endpoint's turns are spread out, not bunched", () => {
  expect(picks([5, 1, 1], 7).join("")).toBe("0001200");
  expect(picks([2, 1], 9).join("")).toBe("010010010");
});

test("isolates start at different places of the sequence", () => {
  const starts = new Set(
    Array.from({ length: 40 }, (_, seed) => picks([1, 1, 1, 1], 1, seededRandom(seed))[0]),
  );
  expect([...starts].sort()).toEqual([0, 1, 2, 3]);
});

// At any virtual time t endpoint j was picked within 1/2 of w_j·t times. So with a share p of n endpoints, what one got since
// the start is off by (1 - p)/2 of its own, and by p/2 for each of the others at most; a stretch has two ends.
test("in any stretch of picks each endpoint is within 1 + p(n - 2) of its exact share", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 12 }),
      fc.nat(),
      fc.nat(200),
      fc.nat(200),
      (weights, seed, skip, length) => {
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const stretch = picks(weights, skip + length, seededRandom(seed)).slice(skip);
        weights.forEach((weight, index) => {
          const count = stretch.filter((picked) => picked === index).length;
          const share = weight / total;
          const bound = 1 + share * (weights.length - 2);
          expect(Math.abs(count - length * share)).toBeLessThanOrEqual(bound + 1e-9);
        });
      },
    ),
    { examples: [[[4, 1, 7, 1, 1, 1, 4], 744_750_973, 59, 142]] },
  );
});

test("over whole cycles the counts are exactly the weights", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 9 }),
      fc.integer({ min: 1, max: 4 }),
      (weights, cycles) => {
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        fc.pre(total > 0);
        const all = picks(weights, total * cycles);
        weights.forEach((weight, index) =>
          expect(all.filter((picked) => picked === index)).toHaveLength(weight * cycles),
        );
      },
    ),
  );
});

test("an endpoint that returns gets its share, not what it missed", () => {
  const balancer = createBalancer(testBackend("RoundRobin", [1, 1, 1]), () => 0);
  const next = () => balancer.pick({ nowMs: 0 });
  balancer.setHealthy(0, false);
  for (let n = 0; n < 100; n++) next();
  balancer.setHealthy(0, true);
  const after = Array.from({ length: 9 }, next);
  expect(after.filter((index) => index === 0).length).toBeLessThanOrEqual(4);
  expect(after.filter((index) => index === 0).length).toBeGreaterThanOrEqual(2);
});

test.each([
  [
    [1, 1],
    [1 / 2, 1 / 2],
  ],
  [
    [1, 1, 1],
    [1 / 3, 1 / 3, 1 / 3],
  ],
  [
    [2, 1, 1, 4],
    [1 / 4, 1 / 8, 1 / 8, 1 / 2],
  ],
])("an endpoint that fails is picked first as often as before, %j", (weights, shares) => {
  const balancer = createBalancer(testBackend("RoundRobin", weights), () => 0);
  const first = weights.map(() => 0);
  const instead = weights.map(() => 0);
  for (let nowMs = 0; nowMs < 2_400; nowMs++) {
    const index = balancer.pick({ nowMs });
    first[index]! += 1;
    if (index === 0) instead[balancer.pick({ nowMs, exclude: [0] })]! += 1;
  }
  expect(Math.abs(first[0]! - 2_400 * shares[0]!)).toBeLessThanOrEqual(2);
  // All others share what they get by their weights.
  const others = 2_400 / (1 - shares[0]!);
  shares.slice(1).forEach((share, index) => {
    expect(Math.abs(first[index + 1]! + instead[index + 1]! - others * share)).toBeLessThanOrEqual(3);
  });
});
