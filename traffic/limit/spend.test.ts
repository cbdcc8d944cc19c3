import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limitSchema } from "#contract/rate-limit.ts";
import type { LimitState } from "./spend.ts";
import { capacity, spend } from "./spend.ts";

type Settings = Parameters<typeof limitSchema.parse>[0];

/** Spends one unit at each time; `+` allowed, `-` refused. */
function run(settings: Settings, times: number[], cost = 1): string {
  const limit = limitSchema.parse(settings);
  let state: LimitState | undefined;
  return times
    .map((nowMs) => {
      const verdict = spend(limit, state, cost, nowMs);
      state = verdict.state;
      return verdict.allowed ? "+" : "-";
    })
    .join("");
}
const bucket = { requests: 2, windowMs: 1_000 };
const fixed = { algorithm: "FixedWindow", ...bucket };
const sliding = { algorithm: "SlidingWindow", ...bucket };

test.each<[string, Settings, number[], string]>([
  ["a bucket gives its burst, then one unit per 500 ms", bucket, [0, 0, 0, 499, 500, 500], "++--+-"],
  ["a burst of one spaces requests out", { ...bucket, burst: 1 }, [0, 250, 500, 999, 1_000], "+-+-+"],
  ["a long pause fills it to the burst, not more", bucket, [0, 0, 60_000, 60_000, 60_000], "++++-"],
  ["a fixed window starts anew at its boundary", fixed, [900, 900, 999, 1_000, 1_000, 1_001], "++-++-"],
  [
    "a sliding window remembers the one before",
    sliding,
    [900, 900, 1_000, 1_499, 1_500, 1_999, 2_000],
    "++--+-+",
  ],
  ["after two windows nothing is remembered", sliding, [0, 0, 2_000, 2_000, 2_000], "++++-"],
])("%s", (_name, settings, times, expected) => {
  expect(run(settings, times)).toBe(expected);
});

test("a cost above the capacity is never allowed, and says so", () => {
  for (const settings of [bucket, fixed, sliding]) {
    const verdict = spend(limitSchema.parse(settings), undefined, 3, 0);
    expect([verdict.allowed, verdict.retryAfterMs, verdict.remaining]).toEqual([false, Infinity, 2]);
  }
});

test("a cost of 0 only looks", () => {
  expect(run(bucket, [0, 0, 0, 0], 0)).toBe("++++");
});

test("a state of another algorithm counts as none", () => {
  const used = spend(limitSchema.parse(bucket), undefined, 2, 0).state;
  expect(spend(limitSchema.parse(fixed), used, 2, 0).allowed).toBe(true);
});

const anyLimit = fc.record({
  algorithm: fc.constantFrom("TokenBucket", "FixedWindow", "SlidingWindow"),
  requests: fc.integer({ min: 1, max: 50 }),
  windowMs: fc.integer({ min: 1, max: 5_000 }),
});
const anySteps = fc.array(fc.record({ waitMs: fc.nat(800), cost: fc.nat(4) }), { maxLength: 80 });

describe("whatever the algorithm and the load", () => {
  test("remaining, retryAfterMs and resetAfterMs are true", () => {
    fc.assert(
      fc.property(anyLimit, anySteps, (settings, steps) => {
        const limit = limitSchema.parse(settings);
        let state: LimitState | undefined;
        let nowMs = 0;
        for (const { waitMs, cost } of steps) {
          nowMs += waitMs;
          const verdict = spend(limit, state, cost, nowMs);
          state = verdict.state;
          const { remaining, retryAfterMs, resetAfterMs } = verdict;
          expect(remaining).toBeGreaterThanOrEqual(0);
          expect(remaining).toBeLessThanOrEqual(capacity(limit));
          expect(spend(limit, state, remaining, nowMs).allowed).toBe(true);
          expect(spend(limit, state, remaining + 1, nowMs).allowed).toBe(false);
          if (verdict.allowed) expect(retryAfterMs).toBe(0);
          else if (Number.isFinite(retryAfterMs)) {
            expect(retryAfterMs).toBeGreaterThan(0);
            expect(spend(limit, state, cost, nowMs + retryAfterMs + 0.001).allowed).toBe(true);
            expect(spend(limit, state, cost, nowMs + retryAfterMs - 0.001).allowed).toBe(false);
          }
          const full = spend(limit, state, 0, nowMs + resetAfterMs + 0.001).remaining;
          expect(full).toBe(capacity(limit));
        }
      }),
    );
  });

  test("a token bucket's bound holds in every span", () => {
    const withBurst = fc.record({
      requests: fc.integer({ min: 1, max: 50 }),
      windowMs: fc.integer({ min: 1, max: 5_000 }),
      burst: fc.integer({ min: 1, max: 50 }),
    });
    fc.assert(
      fc.property(withBurst, fc.array(fc.nat(60), { maxLength: 150 }), (settings, waits) => {
        const limit = limitSchema.parse(settings);
        let state: LimitState | undefined;
        let nowMs = 0;
        const spent: number[] = [];
        for (const waitMs of waits) {
          nowMs += waitMs;
          const verdict = spend(limit, state, 1, nowMs);
          state = verdict.state;
          if (verdict.allowed) spent.push(nowMs);
          spent.forEach((fromMs, index) => {
            const bound = settings.burst + ((nowMs - fromMs) * settings.requests) / settings.windowMs;
            expect(spent.length - index).toBeLessThanOrEqual(bound + 1e-3);
          });
        }
      }),
    );
  });

  test("no window of a fixed or sliding limit has more than its requests, and sliding spans little more", () => {
    fc.assert(
      fc.property(anyLimit, fc.array(fc.nat(60), { maxLength: 150 }), (settings, waits) => {
        fc.pre(settings.algorithm !== "TokenBucket");
        const limit = limitSchema.parse(settings);
        let state: LimitState | undefined;
        let nowMs = 0;
        const perWindow = new Map<number, number>();
        for (const waitMs of waits) {
          nowMs += waitMs;
          const verdict = spend(limit, state, 1, nowMs);
          state = verdict.state;
          const window = Math.floor(nowMs / limit.windowMs);
          if (verdict.allowed) perWindow.set(window, (perWindow.get(window) ?? 0) + 1);
        }
        for (const count of perWindow.values()) expect(count).toBeLessThanOrEqual(limit.requests);
      }),
    );
  });
});
