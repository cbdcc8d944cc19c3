// How traffic returns to an endpoint: slow start, end of an ejection, administration, a new snapshot.
import { expect, test } from "vitest";
import type { LoadBalancer, SnapshotBackend } from "#contract/snapshot.ts";
import type { Balancer } from "./balancer.ts";
import { createBalancer } from "./balancer.ts";
import { seededRandom, testBackend } from "./balancer.fixture.ts";
import { rampFactor } from "./slow-start.ts";

const window = { windowMs: 10_000, minWeightPercent: 10, aggression: 1 };

function backend(type: LoadBalancer["type"], size: number, slowStart = true): SnapshotBackend {
  const plain = testBackend(type, Array<number>(size).fill(1));
  return slowStart ? { ...plain, loadBalancer: { type, slowStart: window } } : plain;
}

/** Share of endpoint 0 among `count` picks at one time. */
function share(balancer: Balancer, nowMs: number, count = 3_000): number {
  let hits = 0;
  for (let n = 0; n < count; n++) if (balancer.pick({ nowMs }) === 0) hits++;
  return hits / count;
}

test.each([
  [0, 0.1],
  [500, 0.1],
  [2_500, 0.25],
  [9_999, 0.9999],
  [10_000, 1],
])("after %d ms of a 10 s window the weight is %d of the whole", (elapsedMs, expected) => {
  expect(rampFactor(window, elapsedMs)).toBeCloseTo(expected);
});

test("a higher aggression gives weight sooner", () => {
  expect(rampFactor({ ...window, aggression: 2 }, 2_500)).toBeCloseTo(0.5);
});

test.each(["RoundRobin", "LeastRequest", "Random"] as const)(
  "%s: traffic to a recovered endpoint grows",
  (type) => {
    const balancer = createBalancer(backend(type, 2), seededRandom(1));
    expect(share(balancer, 0)).toBeCloseTo(0.5, 1);
    balancer.setHealthy(0, false, 1_000);
    expect(share(balancer, 1_000)).toBe(0);
    balancer.setHealthy(0, true, 2_000);
    const grown = [2_000, 4_500, 7_000, 9_500, 12_000].map((nowMs) => share(balancer, nowMs));
    [0.09, 0.2, 0.333, 0.429, 0.5].forEach((expected, n) =>
      expect(Math.abs(grown[n]! - expected)).toBeLessThan(0.03),
    );
  },
);

test("after an ejection the share grows slowly even without slow start, after a health check it does not", () => {
  const balancer = createBalancer(backend("RoundRobin", 2, false), seededRandom(1));
  balancer.setEjected(0, true, 0);
  balancer.setEjected(0, false, 1_000);
  expect(share(balancer, 1_000)).toBeLessThan(0.12);
  expect(share(balancer, 11_000)).toBeCloseTo(0.5, 1);
  balancer.setHealthy(0, false, 20_000);
  balancer.setHealthy(0, true, 21_000);
  expect(share(balancer, 21_000)).toBeCloseTo(0.5, 1);
});

test("one reason to stay away can end while another lasts", () => {
  const balancer = createBalancer(backend("RoundRobin", 2, false), seededRandom(1));
  balancer.setHealthy(0, false, 0);
  balancer.setEjected(0, true, 0);
  balancer.setHealthy(0, true, 1);
  expect(share(balancer, 1)).toBe(0);
  expect(balancer.status().endpoints[0]!.reasons).toEqual(["ejected"]);
});

test("drain keeps sessions and takes no new traffic; maintenance ends both; weight overrides are undone by undefined", () => {
  const balancer = createBalancer(backend("RoundRobin", 2, false), seededRandom(1));
  balancer.administer(0, "drain", undefined, 0);
  expect([share(balancer, 0), balancer.keepsSessions(0)]).toEqual([0, true]);
  balancer.administer(0, "maintenance", undefined, 0);
  expect([share(balancer, 0), balancer.keepsSessions(0)]).toEqual([0, false]);
  balancer.administer(0, "ready", 3, 0);
  expect(share(balancer, 0)).toBeCloseTo(0.75, 2);
  balancer.administer(0, "ready", undefined, 0);
  expect(share(balancer, 0)).toBeCloseTo(0.5, 2);
  balancer.setHealthy(0, false, 0);
  expect(balancer.keepsSessions(0)).toBe(false);
  expect(balancer.keepsSessions(7)).toBe(false);
});

test("a new snapshot keeps verdicts by endpoint id and starts new endpoints slowly", () => {
  const before = createBalancer(backend("RoundRobin", 3), seededRandom(1));
  before.setHealthy(1, false, 0);
  before.setEjected(2, true, 0);
  const grown = backend("RoundRobin", 4);
  const next = { ...grown, endpoints: [grown.endpoints[3]!, ...grown.endpoints.slice(0, 3)] };
  const after = createBalancer(next, seededRandom(1), { previous: before, nowMs: 50_000 });
  const { endpoints } = after.status();
  expect(endpoints.map(({ reasons }) => reasons)).toEqual([[], [], ["unhealthy"], []]);
  expect(share(after, 50_000)).toBeLessThan(0.1);
  expect(share(after, 60_000)).toBeCloseTo(1 / 3, 1);
});

test("priorities, zones and panic reach the picks", () => {
  const plain = testBackend("RoundRobin", [1, 1, 1]);
  const zones = ["b", "a", "a"];
  const endpoints = plain.endpoints.map((endpoint, index) => ({
    ...endpoint,
    zone: zones[index]!,
    priority: index === 2 ? 1 : 0,
  }));
  const loadBalancer = {
    type: "RoundRobin",
    zoneAware: { preferLocal: { minEndpointsThreshold: 0 } },
  } as const;
  const balancer = createBalancer(
    { ...plain, endpoints, loadBalancer, healthCheck: { panicThreshold: 50 } },
    seededRandom(1),
    { zone: "a" },
  );
  const picked = () => new Set(Array.from({ length: 50 }, () => balancer.pick({ nowMs: 0 })));
  expect(picked()).toEqual(new Set([1]));
  balancer.setHealthy(1, false);
  expect(picked()).toEqual(new Set([0]));
  balancer.setHealthy(0, false);
  expect(picked()).toEqual(new Set([2]));
  balancer.setHealthy(2, false);
  expect(picked().size).toBe(3);
  expect(balancer.status().levels.every(({ panic }) => panic)).toBe(true);
});
