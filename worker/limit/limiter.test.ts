// Isolates and RateLimiter objects together, in the runtime they run in and on its clock: the stated bounds, failure, floods.
import { beforeAll, describe, expect, test } from "vitest";
import type { LimiterAnswer, LimiterCall } from "#contract/limiter-call.ts";
import { limits } from "#contract/limits.ts";
import { overshootBound } from "#traffic/limit/lease-terms.ts";
import { composeKey } from "#traffic/limit/limit-key.ts";
import { callLimiter } from "./call-limiter.ts";
import { byHeader, count, freshRegion, limitOf, type TestIsolate, testIsolate } from "./limiter.fixture.ts";

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Requests to isolates in turn, about this many a second, for a while. */
async function load(isolates: readonly TestIsolate[], perSecond: number, durationMs: number) {
  const startMs = Date.now();
  const answers: Promise<boolean>[] = [];
  for (;;) {
    const elapsedMs = Date.now() - startMs;
    if (elapsedMs >= durationMs) break;
    while (answers.length < (elapsedMs * perSecond) / 1_000) {
      answers.push(isolates[answers.length % isolates.length]!.admits());
    }
    await pause(2);
  }
  const admitted = await count(answers);
  const spanMs = Date.now() - startMs;
  const calls = isolates.reduce((sum, { limiter }) => sum + limiter.counters.calls, 0);
  return { admitted, calls, spanMs, offered: answers.length };
}

/** Modules of objects are loaded at their first use, which takes a moment. */
beforeAll(async () => {
  const isolate = testIsolate(
    [limitOf({ mode: "strict", limit: { requests: 9, windowMs: 1_000 } })],
    freshRegion(),
  );
  while ((await isolate.ask()).some(({ unchecked }) => unchecked)) await pause(100);
}, 60_000);

describe.each([1, 4, 32])("%d isolates", (number) => {
  const start = (limit: object): TestIsolate[] => {
    const region = freshRegion();
    return Array.from({ length: number }, () =>
      testIsolate([limitOf({ limit, onUnavailable: "deny" })], region),
    );
  };

  test("leased: over the limit they admit no more than limit and stated overshoot", async () => {
    const limit = { algorithm: "TokenBucket" as const, requests: 500, windowMs: 1_000, burst: 100 };
    const { admitted, spanMs, offered } = await load(start(limit), 1_500, 1_200);
    const exact = limit.burst + (spanMs / limit.windowMs) * limit.requests;
    expect(admitted).toBeLessThanOrEqual(exact + overshootBound(limit, number));
    expect(admitted).toBeLessThan(offered);
    expect(admitted).toBeGreaterThan(0);
  });

  test("leased: a fixed window is exact", async () => {
    const limit = { algorithm: "FixedWindow", requests: 300, windowMs: 86_400_000 };
    const { admitted } = await load(start(limit), 1_000, 600);
    expect(admitted).toBeLessThanOrEqual(300);
    expect(admitted).toBeGreaterThan(0);
  });

  test("strict: exact, to the last unit", async () => {
    const region = freshRegion();
    const limit = limitOf({ mode: "strict", limit: { requests: 100, windowMs: 86_400_000 } });
    const isolates = Array.from({ length: number }, () => testIsolate([limit], region));
    const answers = Array.from({ length: 320 }, (_, n) => isolates[n % number]!.admits());
    expect(await count(answers)).toBe(100);
  });
});

test("leased: a hot key costs at most 0.02 calls per admitted request", async () => {
  const region = freshRegion();
  const limit = limitOf({ limit: { requests: 10_000, windowMs: 1_000 } });
  const isolates = Array.from({ length: 4 }, () => testIsolate([limit], region));
  const { admitted, calls, offered } = await load(isolates, 1_000, 2_000);
  expect(admitted).toBe(offered);
  expect(calls / admitted).toBeLessThanOrEqual(0.02);
});

test("strict: requests that come together share calls", async () => {
  const isolate = testIsolate(
    [limitOf({ mode: "strict", limit: { requests: 1_000, windowMs: 86_400_000 } })],
    freshRegion(),
  );
  expect(await count(Array.from({ length: 400 }, () => isolate.admits()))).toBe(400);
  expect(isolate.limiter.counters.calls).toBeLessThanOrEqual(4);
});

test("a first burst is served by leases that follow one another", async () => {
  const isolate = testIsolate([limitOf({ limit: { requests: 1_000, windowMs: 1_000 } })], freshRegion());
  expect(await count(Array.from({ length: 500 }, () => isolate.admits()))).toBe(500);
});

test("what another limit refuses costs nothing, whichever the modes", async () => {
  const wide = { requests: 50, windowMs: 86_400_000 };
  const narrow = { requests: 5, windowMs: 86_400_000 };
  const region = freshRegion();
  const isolate = testIsolate(
    [
      limitOf({ id: "leased", limit: wide }),
      limitOf({ id: "strict", mode: "strict", limit: wide }),
      limitOf({ id: "key", mode: "strict", key: byHeader, limit: narrow }),
    ],
    region,
  );
  for (let n = 0; n < 20; n++) expect(await isolate.admits("a")).toBe(n < 5);
  await isolate.settled();
  const charges = await isolate.ask("b");
  expect(charges.map(({ name, allowed, remaining }) => [name, allowed, remaining])).toEqual([
    ["l", true, 44],
    ["l", true, 44],
    ["l", true, 4],
  ]);
});

test("a flood of random keys: memory stays bounded, calls carry many keys, a key in use keeps its lease", async () => {
  const isolate = testIsolate(
    [limitOf({ key: byHeader, limit: { requests: 10, windowMs: 86_400_000 } })],
    freshRegion(),
  );
  const keys = limits.limitKeysPerIsolate + 4_000;
  let busy = 0;
  for (let n = 0; n < keys; n += 500) {
    const answers = Array.from({ length: 500 }, (_, index) => isolate.admits(`random ${n + index}`));
    if (await isolate.admits("busy")) busy += 1;
    await Promise.all(answers);
  }
  expect(busy).toBe(10);
  expect(isolate.limiter.usage.leased).toBeLessThanOrEqual(limits.limitKeysPerIsolate);
  expect(isolate.limiter.counters.calls).toBeLessThan(keys / 4);
}, 60_000);

test("keys are spread over all objects", () => {
  const { limiter } = testIsolate([], freshRegion());
  const links = new Set(
    Array.from({ length: 1_000 }, (_, n) => limiter.linkTo(`rule/api/0/l\n9:192.0.2.${n}`)),
  );
  expect(links.size).toBe(limits.rateLimiters);
});

describe("the object cannot be reached", () => {
  const limit = { requests: 8, windowMs: 86_400_000 };
  const down = (): Promise<LimiterAnswer> => Promise.reject(new Error("down"));
  const hanging = (): Promise<LimiterAnswer> => new Promise(() => undefined);

  test.each([
    ["strict", "allow", 20],
    ["strict", "deny", 0],
    ["strict", "local", 8],
    ["leased", "allow", 20],
    ["leased", "deny", 0],
    ["leased", "local", 8],
  ])("%s, %s: %d of 20 pass", async (mode, onUnavailable, passed) => {
    const isolate = testIsolate([limitOf({ mode, onUnavailable, limit })], down);
    expect(await count(Array.from({ length: 20 }, () => isolate.admits()))).toBe(passed);
    const charges = await isolate.ask();
    expect(charges[0]).toMatchObject({
      unchecked: true,
      unavailable: onUnavailable === "deny" && passed === 0,
    });
  });

  test.each(["strict", "leased"])("%s: once it hangs nobody waits for it; it is probed", async (mode) => {
    const clock = { nowMs: 0 };
    const calls: LimiterCall[] = [];
    const isolate = testIsolate(
      [limitOf({ mode, onUnavailable: "allow", limit, key: byHeader })],
      (_number, call) => {
        calls.push(call);
        return calls.length === 1 ? Promise.reject(new Error("timed out")) : hanging();
      },
      () => clock.nowMs,
    );
    // Keys of one object.
    const link = (key: string) => isolate.limiter.linkTo(`l\n${composeKey([key])}`);
    const keys = Array.from({ length: 2_000 }, (_, n) => `k${n}`).filter((key) => link(key) === link("k0"));
    for (const key of keys) {
      expect(await isolate.admits(key)).toBe(true);
      clock.nowMs += 100;
    }
    const probes = calls.slice(1);
    expect(probes.length).toBeGreaterThan(keys.length / 25);
    expect(probes.every(({ leases, spends }) => leases.length + spends.length === 0)).toBe(true);
  });

  test.each(["strict", "leased"])(
    "%s: the first wait in vain, those that come later do not",
    async (mode) => {
      const isolate = testIsolate([limitOf({ mode, onUnavailable: "allow", limit })], hanging);
      expect(await count(Array.from({ length: 20 }, () => isolate.admits()))).toBe(20);
      const later = Array.from({ length: 20 }, () => isolate.admits());
      expect(await Promise.race([count(later), pause(limits.limiterWaitMs)])).toBe(20);
    },
  );

  test.each(["strict", "leased"])(
    "%s: without any answer the declared behaviour comes in time",
    async (mode) => {
      const isolate = testIsolate([limitOf({ mode, onUnavailable: "allow", limit })], hanging);
      expect(await isolate.admits()).toBe(true);
    },
  );

  test("it is asked again after a pause, and counts as before", async () => {
    const clock = { nowMs: Date.now() };
    const region = freshRegion();
    const real = testIsolate([limitOf({ limit })], region);
    for (let n = 0; n < 8; n++) await real.admits();
    let isDown = true;
    const isolate = testIsolate(
      [limitOf({ mode: "strict", onUnavailable: "allow", limit })],
      (number, call) => (isDown ? down() : callLimiter(region, number, call)),
      () => clock.nowMs,
    );
    expect(await isolate.admits()).toBe(true);
    isDown = false;
    expect(await isolate.admits()).toBe(true);
    clock.nowMs += 1_000;
    // This one probes, in vain for itself.
    expect(await isolate.admits()).toBe(true);
    await isolate.settled();
    expect(await isolate.admits()).toBe(false);
  });
});
