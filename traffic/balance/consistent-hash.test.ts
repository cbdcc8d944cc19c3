import * as fc from "fast-check";
import { expect, test } from "vitest";
import { EndpointPool } from "./endpoint-pool.ts";
import { ConsistentHash } from "./consistent-hash.ts";
import { seededRandom, testBackend } from "./balancer.fixture.ts";
import { hashText } from "./hash-text.ts";

const build = (weights: number[], boundFactor = Infinity, subsetSize = 1) => {
  const pool = new EndpointPool(testBackend("ConsistentHash", weights).endpoints, {
    overprovisioning: 1.4,
    panicShare: 0,
  });
  return { pool, hash: new ConsistentHash(pool, seededRandom(1), boundFactor, subsetSize) };
};
const keys = Array.from({ length: 20_000 }, (_, n) => hashText(`client ${n}`));
const owners = (hash: ConsistentHash) => keys.map((hashKey) => hash.pick({ nowMs: 0, hashKey }));

test("adding one endpoint to 100 moves at most 2 % of the keys, all of them to it", () => {
  const before = owners(build(Array<number>(100).fill(1)).hash);
  const after = owners(build(Array<number>(101).fill(1)).hash);
  const moved = after.filter((owner, index) => owner !== before[index]);
  expect(moved.length / keys.length).toBeLessThanOrEqual(0.02);
  expect(new Set(moved)).toEqual(new Set([100]));
});

test("crossing the size where winners are remembered moves no more than any other step", () => {
  const before = owners(build(Array<number>(16).fill(1)).hash);
  const after = owners(build(Array<number>(17).fill(1)).hash);
  const moved = after.filter((owner, index) => owner !== before[index]);
  expect(moved.length / keys.length).toBeLessThan(1.2 / 17);
  expect(new Set(moved)).toEqual(new Set([16]));
});

test("keys are spread evenly over 100 endpoints", () => {
  const counts = new Map<number, number>();
  for (const owner of owners(build(Array<number>(100).fill(1)).hash)) {
    counts.set(owner, (counts.get(owner) ?? 0) + 1);
  }
  expect(counts.size).toBe(100);
  expect(Math.max(...counts.values())).toBeLessThan(1.35 * (keys.length / 100));
});

test("an unhealthy endpoint's keys move, nobody else's, and they return with it", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 30 }),
      fc.nat(),
      (weights, choice) => {
        const { pool, hash } = build(weights);
        const down = choice % weights.length;
        const sample = keys.slice(0, 200);
        const pickAll = () => sample.map((hashKey) => hash.pick({ nowMs: 0, hashKey }));
        const before = pickAll();
        pool.mark(down, "unhealthy", true, 0);
        pickAll().forEach((owner, index) => {
          if (before[index] === down) expect(owner).not.toBe(down);
          else expect(owner).toBe(before[index]);
        });
        pool.mark(down, "unhealthy", false, 0);
        expect(pickAll()).toEqual(before);
      },
    ),
    { numRuns: 30 },
  );
});

test("an excluded endpoint's keys go where they would go without it", () => {
  const { pool, hash } = build(Array<number>(20).fill(1));
  const sample = keys.slice(0, 300);
  const retried = sample.map((hashKey) => {
    const first = hash.pick({ nowMs: 0, hashKey });
    return { first, second: hash.pick({ nowMs: 0, hashKey, exclude: [first] }) };
  });
  sample.forEach((hashKey, index) => {
    pool.mark(retried[index]!.first, "unhealthy", true, 0);
    expect(hash.pick({ nowMs: 0, hashKey })).toBe(retried[index]!.second);
    pool.mark(retried[index]!.first, "unhealthy", false, 0);
  });
});

test("with bounded loads no endpoint exceeds its bound, even when all clients share one key", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 24 }),
      fc.array(fc.nat(3), { minLength: 1, maxLength: 200 }),
      (weights, clients) => {
        const { pool, hash } = build(weights, 1.25);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        for (const client of clients) {
          const index = hash.pick({ nowMs: 0, hashKey: hashText(`${client}`) });
          expect(index).toBeGreaterThanOrEqual(0);
          pool.started(index);
          const bound = Math.ceil((1.25 * pool.totalInFlight * weights[index]!) / total);
          expect(pool.inFlight[index]).toBeLessThanOrEqual(bound);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test("a subset has so many endpoints, each with its part of the requests; the first is the key's own", () => {
  const { pool, hash } = build(Array<number>(20).fill(1), Infinity, 3);
  const alone = build(Array<number>(20).fill(1)).hash;
  for (const hashKey of keys.slice(0, 50)) {
    const counts = new Map<number, number>();
    for (let n = 0; n < 600; n += 1) {
      const index = hash.pick({ nowMs: 0, hashKey });
      counts.set(index, (counts.get(index) ?? 0) + 1);
    }
    expect(counts.size).toBe(3);
    expect(Math.min(...counts.values())).toBeGreaterThan(130);
    expect(counts.has(alone.pick({ nowMs: 0, hashKey }))).toBe(true);
    // One that goes is replaced by one; the others stay.
    const [first] = counts.keys();
    pool.mark(first!, "unhealthy", true, 0);
    const after = new Set(Array.from({ length: 200 }, () => hash.pick({ nowMs: 0, hashKey })));
    expect([...counts.keys()].filter((index) => after.has(index))).toHaveLength(2);
    pool.mark(first!, "unhealthy", false, 0);
  }
});

test("a subset larger than what is left, or tried already, is what is left", () => {
  const { hash } = build([1, 1, 1], Infinity, 5);
  const left = new Set(
    Array.from({ length: 100 }, () => hash.pick({ nowMs: 0, hashKey: keys[0]!, exclude: [1] })),
  );
  expect(left).toEqual(new Set([0, 2]));
  expect(hash.pick({ nowMs: 0, hashKey: keys[0]!, exclude: [0, 1, 2] })).toBe(-1);
});
