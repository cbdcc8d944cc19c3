import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type Probe, ProbeSchedule } from "./probe-schedule.ts";
import { backendOf, check, snapshotWith } from "./region-case.ts";

const checked = (ports: number[], more = {}) =>
  snapshotWith(1, [backendOf("pods", ports, { healthCheck: { active: check }, ...more })]).snapshot;

test("only direct endpoints with a check are probed", () => {
  const schedule = new ProbeSchedule(() => 0);
  schedule.replace(checked([1], { tunnel: "t" }), 0);
  expect(schedule.start(0, 10)).toEqual([]);
  schedule.replace(snapshotWith(1, [backendOf("pods", [1])]).snapshot, 0);
  expect(schedule.start(0, 10)).toEqual([]);
  expect(schedule.nextMs()).toBe(Infinity);
});

test("an endpoint keeps its verdict over a publish unless its check has changed", () => {
  const schedule = new ProbeSchedule(() => 0);
  schedule.replace(checked([1]), 0);
  schedule.ended(schedule.start(0, 1)[0]!, { ok: false, detail: "refused" }, 0);
  schedule.replace(checked([1, 2]), 10);
  expect(schedule.verdicts().map(({ healthy }) => healthy)).toEqual([false, true]);
  const other = { healthCheck: { active: { ...check, timeoutMs: 1 } } };
  schedule.replace(checked([1], other), 20);
  expect(schedule.verdicts().map(({ healthy }) => healthy)).toEqual([true]);
});

test("what a probe of an older check saw is not counted", () => {
  const schedule = new ProbeSchedule(() => 0);
  schedule.replace(checked([1]), 0);
  const [probe] = schedule.start(0, 1);
  schedule.replace(checked([1], { healthCheck: { active: { ...check, intervalMs: 5_000 } } }), 0);
  expect(schedule.ended(probe!, { ok: false, detail: "refused" }, 0)).toBe(false);
});

test("within a bound on connections no endpoint starves and none is probed twice at once", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 5 }), (endpoints, room) => {
      const schedule = new ProbeSchedule(() => 0.5);
      schedule.replace(checked(Array.from({ length: endpoints }, (_, index) => index + 1)), 0);
      const seen = new Set<string>();
      let underWay: Probe[] = [];
      for (let nowMs = 0; nowMs < 10_000; nowMs += 100) {
        const started = schedule.start(nowMs, room);
        expect(started.length).toBeLessThanOrEqual(room);
        expect(started.some((probe) => underWay.includes(probe))).toBe(false);
        for (const { key } of started) seen.add(key);
        for (const probe of underWay) schedule.ended(probe, { ok: true, detail: "" }, nowMs);
        underWay = started;
      }
      expect(seen.size).toBe(endpoints);
    }),
    { numRuns: 50, seed: 1 },
  );
});

test("a verdict changes at the earliest when as many probes in a row say so", () => {
  const schedule = new ProbeSchedule(() => 0.5);
  const rising = { ...check, intervalMs: 1_000, healthyThreshold: 3, unhealthyThreshold: 2 };
  schedule.replace(checked([1], { healthCheck: { active: rising } }), 0);
  const probed = (ok: boolean, nowMs: number): number => {
    schedule.ended(schedule.start(nowMs, 1)[0]!, { ok, detail: "" }, nowMs);
    return schedule.nextChangeMs() - nowMs;
  };
  // The first probe decides alone.
  expect(schedule.nextChangeMs()).toBe(500);
  expect(probed(true, 500)).toBe(Infinity);
  expect(probed(false, 1_500)).toBe(1_000);
  expect(probed(false, 2_500)).toBe(3_000);
  expect(probed(true, 3_500)).toBe(2_000);
  expect(probed(true, 4_500)).toBe(1_000);
  expect(probed(true, 5_500)).toBe(Infinity);
});
