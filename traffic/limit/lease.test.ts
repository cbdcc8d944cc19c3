// Limiter and isolates together on a virtual clock: accuracy, number of calls, fairness, outage.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limitSchema } from "#contract/rate-limit.ts";
import type { LeaseReply, Limit } from "#contract/rate-limit.ts";
import { seededRandom } from "../balance/balancer.fixture.ts";
import { grantLease, noGrants } from "./lease-grantor.ts";
import type { GrantorState } from "./lease-grantor.ts";
import { LeaseHolder } from "./lease-holder.ts";
import { leaseTerms, overshootBound } from "./lease-terms.ts";

interface Run {
  limit: Limit;
  holders: number;
  /** Requests per second of all holders together, at a time. */
  demand: (nowMs: number) => number;
  durationMs: number;
  /** Time of the network to the limiter and back, each. */
  delayMs?: number;
  /** Part of the load each holder gets, by index; equal by default. */
  part?: (holder: number) => number;
  seed?: number;
}

/** Admission times, number of calls, admitted per holder. */
function simulate({ limit, holders, demand, durationMs, delayMs = 3, part = () => 1, seed = 1 }: Run) {
  const random = seededRandom(seed);
  const isolates = Array.from({ length: holders }, (_, n) => new LeaseHolder(`i${n}`, limit, "deny"));
  const parts = isolates.map((_, n) => part(n));
  const whole = parts.reduce((sum, value) => sum + value, 0);
  let state: GrantorState = noGrants;
  let calls = 0;
  const admitted: number[] = [];
  const perHolder = isolates.map(() => 0);
  const waiting = isolates.map(() => 0);
  const arriving = new Map<number, { n: number; reply: LeaseReply }[]>();
  const asking = new Map<number, { n: number; ask: NonNullable<ReturnType<LeaseHolder["nextAsk"]>> }[]>();
  const later = <T>(map: Map<number, T[]>, atMs: number, value: T) =>
    map.set(atMs, [...(map.get(atMs) ?? []), value]);

  const request = (n: number, nowMs: number, again: boolean) => {
    const isolate = isolates[n]!;
    const verdict = isolate.admit(1, nowMs, again);
    if (verdict === "admitted") {
      admitted.push(nowMs);
      perHolder[n]!++;
    }
    if (verdict === "wait") waiting[n]!++;
    const ask = isolate.nextAsk(nowMs);
    if (ask === undefined) return;
    calls++;
    later(asking, nowMs + delayMs, { n, ask });
  };

  for (let nowMs = 0; nowMs < durationMs; nowMs++) {
    for (const { n, ask } of asking.get(nowMs) ?? []) {
      const [next, reply] = grantLease(limit, state, ask, nowMs);
      state = next;
      later(arriving, nowMs + delayMs, { n, reply });
    }
    for (const { n, reply } of arriving.get(nowMs) ?? []) {
      isolates[n]!.answered(reply, nowMs);
      const queued = waiting[n]!;
      waiting[n] = 0;
      for (let q = 0; q < queued; q++) request(n, nowMs, true);
    }
    const perMs = demand(nowMs) / 1_000;
    const count = Math.floor(perMs) + (random() < perMs % 1 ? 1 : 0);
    for (let c = 0; c < count; c++) {
      let place = random() * whole;
      let n = 0;
      while (n < holders - 1 && (place -= parts[n]!) >= 0) n++;
      request(n, nowMs, false);
    }
  }
  return { admitted, calls, perHolder };
}

/** Most units admitted in any span of a length. */
function most(times: number[], spanMs: number): number {
  let from = 0;
  let best = 0;
  times.forEach((timeMs, to) => {
    while (times[from]! <= timeMs - spanMs) from++;
    best = Math.max(best, to - from + 1);
  });
  return best;
}
const perSecond = (requests: number, extra = {}) =>
  limitSchema.parse({ requests, windowMs: 1_000, ...extra });
const counts = [1, 2, 4, 8, 16, 32];

describe.each(counts)("%d holders", (holders) => {
  test.each([
    ["far below its limit", 100_000, 1_000],
    ["at its limit", 1_000, 1_000],
    ["at twice its limit", 1_000, 2_000],
  ])("a key %s: at most 0.02 calls per admitted request", (_name, requests, perS) => {
    const run = { limit: perSecond(requests), holders, demand: () => perS, durationMs: 10_000 };
    const { admitted, calls } = simulate(run);
    expect(calls / admitted.length).toBeLessThanOrEqual(0.02);
  });

  test("at twice its limit a key gets what it may: at least nine tenths, and never more", () => {
    const limit = perSecond(1_000);
    const { admitted } = simulate({ limit, holders, demand: () => 2_000, durationMs: 30_000 });
    expect(admitted.length).toBeGreaterThan(0.9 * 30_000);
    expect(admitted.length).toBeLessThanOrEqual(1_000 + 30_000);
  });

  test("far below its limit nobody is refused", () => {
    const limit = perSecond(10_000);
    const { admitted } = simulate({ limit, holders, demand: () => 1_000, durationMs: 10_000 });
    expect(admitted.length).toBeGreaterThan(9_900);
  });

  test("the overshoot bound holds in every span, whatever the load does", () => {
    fc.assert(
      fc.property(
        fc.record({
          requests: fc.integer({ min: 1, max: 400 }),
          windowMs: fc.constantFrom(500, 1_000, 5_000, 60_000),
          burst: fc.integer({ min: 1, max: 400 }),
        }),
        fc.array(fc.constantFrom(0, 50, 500, 3_000), { minLength: 1, maxLength: 8 }),
        fc.nat(40),
        fc.nat(),
        (settings, loads, delayMs, seed) => {
          const limit = limitSchema.parse(settings);
          const { admitted } = simulate({
            limit,
            holders,
            demand: (nowMs) => loads[Math.floor(nowMs / 1_000) % loads.length]!,
            durationMs: 8_000,
            delayMs,
            part: (n) => (n + seed) % 5,
            seed,
          });
          for (const spanMs of [1, 100, 1_000, limit.windowMs]) {
            const exact = limit.burst! + (spanMs * limit.requests) / limit.windowMs;
            expect(most(admitted, spanMs)).toBeLessThanOrEqual(
              Math.ceil(exact + overshootBound(limit, holders)),
            );
          }
        },
      ),
      { numRuns: 15 },
    );
  });

  test("a fixed window is never exceeded", () => {
    const limit = limitSchema.parse({ algorithm: "FixedWindow", requests: 300, windowMs: 2_000 });
    const { admitted } = simulate({ limit, holders, demand: () => 500, durationMs: 20_000, delayMs: 7 });
    const windows = new Map<number, number>();
    for (const timeMs of admitted) {
      const window = Math.floor(timeMs / 2_000);
      windows.set(window, (windows.get(window) ?? 0) + 1);
    }
    expect(Math.max(...windows.values())).toBeLessThanOrEqual(300);
    expect(admitted.length).toBeGreaterThan(0.8 * 3_000);
  });
});

test.each([1, 4, 16])(
  "a large quota that comes in slowly costs few calls while it lasts: %d holders",
  (holders) => {
    const limit = limitSchema.parse({ algorithm: "FixedWindow", requests: 100_000, windowMs: 86_400_000 });
    const { admitted, calls } = simulate({ limit, holders, demand: () => 1_000, durationMs: 20_000 });
    expect(admitted.length).toBeGreaterThan(19_900);
    expect(calls / admitted.length).toBeLessThanOrEqual(0.02);
  },
);

test("a small limit is exact in total, and its holder is refused only when it is used up", () => {
  const limit = limitSchema.parse({ requests: 10, windowMs: 60_000 });
  const { admitted, perHolder } = simulate({ limit, holders: 4, demand: () => 2, durationMs: 60_000 });
  expect(admitted.length).toBeGreaterThanOrEqual(16);
  expect(admitted.length).toBeLessThanOrEqual(20);
  expect(perHolder.filter((count) => count > 0).length).toBeGreaterThan(1);
});

test("holders that are equally busy get about the same when units are scarce", () => {
  const limit = perSecond(1_000);
  const { perHolder } = simulate({ limit, holders: 8, demand: () => 4_000, durationMs: 30_000 });
  expect(Math.max(...perHolder) / Math.min(...perHolder)).toBeLessThan(1.5);
});

test.each([
  [10, 60_000, { unitsPerLease: 10, firstUnits: 1 }],
  [1_000, 1_000, { unitsPerLease: 100, firstUnits: 31 }],
  [100, 1_000, { unitsPerLease: 80, firstUnits: 3 }],
  [1_000_000, 1_000, { unitsPerLease: 100_000, firstUnits: 80 }],
])("terms of %d requests per %d ms", (requests, windowMs, expected) => {
  expect(leaseTerms(limitSchema.parse({ requests, windowMs }))).toEqual({ ...expected, leaseMs: 4_000 });
});

describe("the limiter cannot be reached", () => {
  const reply = { granted: 2, validMs: 4_000, againAfterMs: 0, holders: 4 };
  const after = (onUnavailable: "allow" | "deny" | "local") => {
    const holder = new LeaseHolder("i", perSecond(8), onUnavailable);
    holder.admit(1, 0);
    holder.nextAsk(0);
    holder.answered(reply, 1);
    for (let n = 0; n < 3; n++) holder.admit(1, 1);
    expect(holder.nextAsk(1)).toBeDefined();
    holder.failed(2);
    return Array.from({ length: 10 }, () => holder.admit(1, 2)).filter((verdict) => verdict === "admitted")
      .length;
  };

  test("allow lets all pass, deny none, local a fair share", () => {
    expect([after("allow"), after("deny"), after("local")]).toEqual([10, 0, 2]);
  });

  test("leases at hand are used up first, and the limiter is asked again after a pause", () => {
    const holder = new LeaseHolder("i", perSecond(8), "deny");
    holder.admit(1, 0);
    holder.nextAsk(0);
    holder.answered(reply, 1);
    expect(holder.admit(1, 1, true)).toBe("admitted");
    expect(holder.nextAsk(1)).toBeUndefined();
    expect(holder.admit(1, 2)).toBe("admitted");
    holder.nextAsk(2);
    holder.failed(3);
    holder.admit(1, 4);
    expect(holder.nextAsk(500)).toBeUndefined();
    expect(holder.nextAsk(1_003)).toBeDefined();
  });
});

test("a refused request's units go back, but never more than were granted", () => {
  const holder = new LeaseHolder("i", perSecond(100), "deny");
  holder.admit(1, 0);
  holder.nextAsk(0);
  holder.answered({ granted: 5, validMs: 1_000, againAfterMs: 0, holders: 1 }, 1);
  holder.admit(2, 1);
  holder.giveBack(2);
  holder.giveBack(2);
  expect(holder.remaining(1)).toBe(5);
  expect(holder.remaining(1_000)).toBe(0);
});

test("forgotten holders count no more, and a flood of holder names is bounded", () => {
  let state: GrantorState = noGrants;
  let reply: LeaseReply | undefined;
  for (let n = 0; n < 1_000; n++) {
    [state, reply] = grantLease(perSecond(8), state, { holder: `h${n}`, wanted: 1, least: 1 }, n);
  }
  expect(reply!.holders).toBe(256);
  [, reply] = grantLease(perSecond(8), state, { holder: "x", wanted: 1, least: 1 }, 20_000);
  expect(reply.holders).toBe(1);
});

test("a first burst that is larger than the first lease is served by the leases that follow, without new requests", () => {
  const holder = new LeaseHolder("i", perSecond(1_000), "deny");
  let state: GrantorState = noGrants;
  const waiting = Array.from({ length: 500 }, () => holder.admit(1, 0)).filter(
    (verdict) => verdict === "wait",
  );
  let left = waiting.length;
  let rounds = 0;
  for (let nowMs = 1; left > 0 && rounds < 100; nowMs++, rounds++) {
    const ask = holder.nextAsk(nowMs);
    expect(ask).toBeDefined();
    const [next, reply] = grantLease(perSecond(1_000), state, ask!, nowMs);
    state = next;
    holder.answered(reply, nowMs);
    left = Array.from({ length: left }, () => holder.admit(1, nowMs, true)).filter(
      (verdict) => verdict === "wait",
    ).length;
  }
  expect(left).toBe(0);
});

test("an ask whose request was cancelled is asked again", () => {
  const holder = new LeaseHolder("i", perSecond(8), "deny");
  holder.admit(1, 0);
  expect(holder.nextAsk(0)).toBeDefined();
  holder.admit(1, 1_000);
  expect(holder.nextAsk(1_000)).toBeUndefined();
  expect(holder.nextAsk(2_000)).toBeDefined();
});

test("what the headers tell: units here and at the limiter, and when refused, when to come back", () => {
  const holder = new LeaseHolder("i", perSecond(100), "deny");
  holder.admit(1, 0);
  holder.nextAsk(0);
  holder.answered(
    { granted: 5, validMs: 4_000, againAfterMs: 700, holders: 1, remaining: 20, resetAfterMs: 800 },
    1,
  );
  holder.admit(1, 1, true);
  expect(holder.report(true, 1)).toEqual({ remaining: 24, retryAfterMs: 0, resetAfterMs: 800 });
  for (let n = 0; n < 5; n++) holder.admit(1, 101);
  expect(holder.report(false, 101)).toEqual({ remaining: 0, retryAfterMs: 600, resetAfterMs: 700 });
});
