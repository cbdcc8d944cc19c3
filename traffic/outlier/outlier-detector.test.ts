import * as fc from "fast-check";
import { expect, test } from "vitest";
import { passiveHealthCheckSchema } from "#contract/backend-policy.ts";
import type { RequestResult } from "./outlier-detector.ts";
import { OutlierDetector } from "./outlier-detector.ts";

type Settings = Parameters<typeof passiveHealthCheckSchema.parse>[0];

function detector(size: number, settings: Settings = {}, random = () => 0) {
  const ids = Array.from({ length: size }, (_, index) => `e${index}`);
  return new OutlierDetector(passiveHealthCheckSchema.parse(settings), ids, random);
}
const letters: Record<string, RequestResult> = {
  "+": "success",
  "5": "error-5xx",
  g: "gateway-error",
  l: "local-origin-failure",
};

test.each<[string, Settings, number]>([
  ["5555", {}, -1],
  ["55555", {}, 4],
  ["5555+5555", {}, -1],
  ["55g5l", {}, 4],
  ["ggg", { consecutiveGatewayErrors: 3 }, 2],
  ["gg5", { consecutiveGatewayErrors: 3 }, -1],
  ["lll", { consecutiveGatewayErrors: 3 }, 2],
  ["lllll", { splitExternalLocalOriginErrors: true, consecutive5xxErrors: 3 }, 4],
  ["l5l5", { splitExternalLocalOriginErrors: true, consecutive5xxErrors: 3 }, -1],
  ["555555555", { consecutive5xxErrors: 0 }, -1],
])("results %s under %j eject at %d", (results, settings, expected) => {
  const outliers = detector(3, settings);
  const seen = [...results].map((letter, nowMs) => outliers.record(0, letters[letter]!, 1, nowMs));
  expect(seen.findIndex((change) => change !== undefined)).toBe(expected);
});

/** Makes endpoint `index` fail until it is ejected; returns the end of the ejection. */
function ejectAt(outliers: OutlierDetector, index: number, nowMs: number): number | undefined {
  for (let n = 0; n < 5; n++) {
    const change = outliers.record(index, "error-5xx", 1, nowMs);
    if (change !== undefined) return change.untilMs;
  }
  return undefined;
}

test("each ejection lasts longer, up to the longest, and calm intervals count down again", () => {
  const outliers = detector(2, { baseEjectionTimeMs: 1_000, maxEjectionTimeMs: 3_000, intervalMs: 1_000 });
  let nowMs = 0;
  outliers.tick(nowMs);
  const lengths: number[] = [];
  for (let n = 0; n < 5; n++) {
    const untilMs = ejectAt(outliers, 0, nowMs)!;
    lengths.push(untilMs - nowMs);
    nowMs = untilMs;
    expect(outliers.tick(nowMs).find(({ ejected }) => !ejected)?.index).toBe(0);
  }
  expect(lengths).toEqual([1_000, 2_000, 3_000, 3_000, 3_000]);
  outliers.record(0, "success", 1, nowMs);
  for (let n = 0; n < 5; n++) outliers.tick((nowMs += 1_000));
  expect(ejectAt(outliers, 0, nowMs)! - nowMs).toBe(1_000);
});

test("on its return one failure is enough, until it succeeded once", () => {
  const outliers = detector(2, { baseEjectionTimeMs: 1_000 });
  ejectAt(outliers, 0, 0);
  outliers.tick(1_000);
  expect(outliers.record(0, "gateway-error", 1, 1_001)?.reason).toBe(
    "failed again on probation (gateway-error)",
  );
  outliers.tick(10_000);
  outliers.record(0, "success", 1, 10_001);
  expect(outliers.record(0, "gateway-error", 1, 10_002)).toBeUndefined();
});

test("late results of an ejected endpoint change nothing", () => {
  const outliers = detector(2, { baseEjectionTimeMs: 1_000 });
  const untilMs = ejectAt(outliers, 0, 0);
  for (let n = 0; n < 50; n++) expect(outliers.record(0, "error-5xx", 1, 10)).toBeUndefined();
  expect(outliers.ejections()).toEqual([{ id: "e0", untilMs }]);
});

test.each([
  [1, 100, 0],
  [2, 0, 1],
  [3, 10, 1],
  [10, 30, 3],
  [10, 100, 10],
])(
  "of %d endpoints with maxEjectionPercent %d at most %d are ejected",
  (size, maxEjectionPercent, expected) => {
    const outliers = detector(size, { maxEjectionPercent });
    for (let index = 0; index < size; index++) ejectAt(outliers, index, 0);
    expect(outliers.ejections()).toHaveLength(expected);
  },
);

/** One interval in which endpoint i has `requests` answers of `latencyMs(i)` of which a part fails. */
function interval(
  outliers: OutlierDetector,
  size: number,
  requests: number,
  part: number[],
  latencyMs: number[],
) {
  outliers.tick(1);
  for (let index = 0; index < size; index++) {
    for (let n = 0; n < requests; n++) {
      const fails = n % 10 < 10 * part[index]!;
      outliers.record(index, fails ? "error-5xx" : "success", latencyMs[index]!, 2);
    }
  }
  return outliers.tick(20_000).filter(({ ejected }) => ejected);
}
const calm = { consecutive5xxErrors: 0, maxEjectionPercent: 50 };
const same = (value: number, size = 6) => Array<number>(size).fill(value);

test("success rate: the one far below the others goes, an even loss takes nobody", () => {
  const settings = { ...calm, successRate: {} };
  const [change] = interval(detector(6, settings), 6, 100, [0.5, 0, 0, 0.1, 0, 0], same(1));
  expect(change).toMatchObject({ index: 0, reason: expect.stringMatching(/^success rate 50\.0 %, below/) });
  expect(interval(detector(6, settings), 6, 100, same(0.5), same(1))).toEqual([]);
  expect(interval(detector(6, settings), 6, 50, [1, 0, 0, 0, 0, 0], same(1))).toEqual([]);
  expect(interval(detector(4, settings), 4, 100, [1, 0, 0, 0], same(1))).toEqual([]);
});

test("failure percentage: at or above the threshold, with enough requests", () => {
  const settings = { ...calm, failurePercentage: { threshold: 50 } };
  expect(interval(detector(6, settings), 6, 50, [0.5, 0.4, 0, 0, 0, 0], same(1))).toMatchObject([
    { index: 0, reason: "50.0 % of 50 requests failed" },
  ]);
  expect(interval(detector(6, settings), 6, 40, [1, 0, 0, 0, 0, 0], same(1))).toEqual([]);
});

test("latency: beyond the factor over the others' median, also in a pool of two", () => {
  const settings = { ...calm, latency: {} };
  const slow = interval(detector(3, settings), 3, 20, same(0), [900, 100, 110]);
  expect(slow).toMatchObject([
    { index: 0, reason: expect.stringMatching(/^p50 latency \d+ ms, others' median/) },
  ]);
  expect(interval(detector(2, settings), 2, 20, same(0), [10, 500])).toMatchObject([{ index: 1 }]);
  // Four times slower, but by 30 ms only: noise among fast endpoints.
  expect(interval(detector(3, settings), 3, 20, same(0), [40, 10, 10])).toEqual([]);
  expect(interval(detector(3, settings), 3, 19, same(0), [900, 10, 10])).toEqual([]);
  expect(interval(detector(3, settings), 3, 20, same(0), [300, 290, 310])).toEqual([]);
});

test("a new snapshot keeps the state of the endpoints that stay", () => {
  const before = detector(3);
  const untilMs = ejectAt(before, 1, 0);
  for (let n = 0; n < 4; n++) before.record(2, "error-5xx", 1, 0);
  const policy = passiveHealthCheckSchema.parse({ maxEjectionPercent: 100 });
  const after = new OutlierDetector(policy, ["new", "e2", "e1"], () => 0, before);
  expect(after.ejections()).toEqual([{ id: "e1", untilMs }]);
  expect(after.record(1, "error-5xx", 1, 1)?.index).toBe(1);
});

test("whatever happens, the allowance holds, and every ejection ends", () => {
  const event = fc.record({
    index: fc.nat(7),
    result: fc.constantFrom<RequestResult>("success", "error-5xx", "gateway-error", "local-origin-failure"),
    waitMs: fc.nat(2_000),
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.nat(100),
      fc.array(event, { maxLength: 300 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (size, maxEjectionPercent, events, unit) => {
        const settings = {
          maxEjectionPercent,
          consecutive5xxErrors: 2,
          latency: {},
          baseEjectionTimeMs: 2_000,
        };
        const outliers = detector(size, settings, () => unit);
        const allowed = size < 2 ? 0 : Math.max(1, Math.floor((size * maxEjectionPercent) / 100));
        let nowMs = 0;
        for (const { index, result, waitMs } of events) {
          nowMs += waitMs;
          outliers.tick(nowMs);
          outliers.record(index, result, waitMs, nowMs);
          expect(outliers.ejections().length).toBeLessThanOrEqual(allowed);
        }
        outliers.tick(nowMs + 300_000 * 1.1 + 1);
        expect(outliers.ejections()).toEqual([]);
      },
    ),
  );
});
