import * as fc from "fast-check";
import { expect, test } from "vitest";
import { retryConstraintSchema } from "#contract/backend-policy.ts";
import { RetryBudget } from "./retry-budget.ts";
import { SlidingCount } from "./sliding-count.ts";

const budget = (settings: Parameters<typeof retryConstraintSchema.parse>[0] = {}) =>
  new RetryBudget(retryConstraintSchema.parse(settings));

test("with little traffic ten retries a second are allowed", () => {
  const own = budget();
  const taken = Array.from({ length: 20 }, () => own.take(0)).filter(Boolean);
  expect(taken).toHaveLength(10);
  expect(own.take(1_100)).toBe(true);
});

test("with much traffic a fifth of the requests may be retried", () => {
  const own = budget();
  for (let n = 0; n < 1_000; n++) own.request(0);
  const taken = Array.from({ length: 1_000 }, () => own.take(0)).filter(Boolean);
  expect(taken).toHaveLength(200);
  expect(own.take(11_000)).toBe(true);
});

test("an outage of everything adds at most a fifth to the load, and the minimum rate", () => {
  const own = budget();
  let retries = 0;
  for (let nowMs = 0; nowMs < 60_000; nowMs++) {
    own.request(nowMs);
    for (let n = 0; n < 3; n++) if (own.take(nowMs)) retries++;
  }
  expect(retries / 60_000).toBeLessThan(0.22);
  expect(retries / 60_000).toBeGreaterThan(0.18);
});

test("in no interval are there more retries than the share of its requests and the minimum rate allow", () => {
  const step = fc.record({ waitMs: fc.nat(400), requests: fc.nat(20), retries: fc.nat(10) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.nat(100), fc.nat(5), (steps, percent, count) => {
      const settings = {
        budget: { percent, intervalMs: 10_000 },
        minRetryRate: { count, intervalMs: 1_000 },
      };
      const own = budget(settings);
      const requests: number[] = [];
      const retries: number[] = [];
      let nowMs = 0;
      for (const { waitMs, requests: incoming, retries: wanted } of steps) {
        nowMs += waitMs;
        for (let n = 0; n < incoming; n++) {
          own.request(nowMs);
          requests.push(nowMs);
        }
        for (let n = 0; n < wanted; n++) if (own.take(nowMs)) retries.push(nowMs);
        const within = (times: number[], spanMs: number) =>
          times.filter((timeMs) => timeMs > nowMs - spanMs).length;
        // Slices of a tenth: of the last 9 s the budget knows all retries, and it forgets none of the requests too late.
        const bound = (percent / 100) * within(requests, 10_000) + count * 12;
        expect(within(retries, 9_000)).toBeLessThanOrEqual(bound);
      }
    }),
  );
});

test("a sliding count is between the exact counts of nine and ten tenths of the interval", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(300), { maxLength: 200 }), (waits) => {
      const count = new SlidingCount(1_000);
      const times: number[] = [];
      let nowMs = 0;
      for (const waitMs of waits) {
        nowMs += waitMs;
        count.add(nowMs);
        times.push(nowMs);
        const since = (spanMs: number) => times.filter((timeMs) => timeMs > nowMs - spanMs).length;
        expect(count.total(nowMs)).toBeGreaterThanOrEqual(since(900));
        expect(count.total(nowMs)).toBeLessThanOrEqual(since(1_000));
      }
    }),
  );
});
