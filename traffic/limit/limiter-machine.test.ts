import { expect, test } from "vitest";
import type { LimiterCall } from "#contract/limiter-call.ts";
import { limiterAnswerSchema } from "#contract/limiter-call.ts";
import { limits } from "#contract/limits.ts";
import { limitSchema } from "#contract/rate-limit.ts";
import { LimiterMachine, type StoredCount } from "./limiter-machine.ts";

const ten = limitSchema.parse({ requests: 10, windowMs: 1_000 });
const five = limitSchema.parse({ algorithm: "FixedWindow", requests: 5, windowMs: 3_600_000 });

const call = (parts: Partial<LimiterCall>): LimiterCall => ({
  holder: "i",
  limits: [ten, five],
  leases: [],
  spends: [],
  returns: [],
  ...parts,
});
const one = (key: string, limit = 0, enforced = true) => ({ key, limit, cost: 1, enforced });
const machine = (stored: (key: string) => StoredCount["state"] | undefined = () => undefined) =>
  new LimiterMachine(stored);

test("keys count apart, and a key is exact", () => {
  const limiter = machine();
  const allowed = (key: string) =>
    limiter.handle(call({ spends: Array.from({ length: 12 }, () => [one(key)]) }), 0).spends;
  expect(allowed("a").filter(([reply]) => reply!.allowed)).toHaveLength(10);
  expect(allowed("b").filter(([reply]) => reply!.allowed)).toHaveLength(10);
});

test("of several limits of a request all are spent, or none", () => {
  const limiter = machine();
  const both = call({ spends: Array.from({ length: 7 }, () => [one("a"), one("b", 1)]) });
  const answer = limiter.handle(both, 0);
  expect(limiterAnswerSchema.parse(answer)).toEqual(answer);
  expect(answer.spends.filter((replies) => replies.every(({ allowed }) => allowed))).toHaveLength(5);
  expect(answer.spends[6]!.map(({ allowed }) => allowed)).toEqual([true, false]);
  // Five of ten are spent, not seven.
  expect(limiter.handle(call({ spends: [[one("a")]] }), 0).spends[0]![0]!.remaining).toBe(4);
});

test("a limit in shadow mode stops nothing", () => {
  const limiter = machine();
  const spends = Array.from({ length: 7 }, () => [one("a"), one("b", 1, false)]);
  expect(limiter.handle(call({ spends }), 0).spends[6]!.map(({ allowed }) => allowed)).toEqual([true, false]);
  expect(limiter.handle(call({ spends: [[one("a")]] }), 0).spends[0]![0]!.remaining).toBe(2);
});

test("units of leases and of single requests come from one count", () => {
  const limiter = machine();
  const lease = { key: "a", limit: 0, wanted: 8, least: 1 };
  expect(limiter.handle(call({ leases: [lease] }), 0).leases[0]).toMatchObject({ granted: 8, remaining: 2 });
  expect(limiter.handle(call({ leases: [lease] }), 0).leases[0]).toMatchObject({ granted: 2, remaining: 0 });
  expect(limiter.handle(call({ spends: [[one("a")]] }), 0).spends[0]![0]!.allowed).toBe(false);
});

test("units that return can be spent again, unless their window is over", () => {
  const limiter = machine();
  const spend = (atMs: number) => limiter.handle(call({ spends: [[one("b", 1)]] }), atMs).spends[0]![0]!;
  for (let n = 0; n < 5; n++) spend(0);
  expect(spend(0).allowed).toBe(false);
  limiter.handle(call({ returns: [{ key: "b", limit: 1, units: 1, spentMs: 0 }] }), 1);
  expect([spend(2).allowed, spend(2).allowed]).toEqual([true, false]);
  const nextMs = five.windowMs;
  for (let n = 0; n < 5; n++) spend(nextMs);
  limiter.handle(call({ returns: [{ key: "b", limit: 1, units: 1, spentMs: 0 }] }), nextMs + 1);
  expect(spend(nextMs + 2).allowed).toBe(false);
});

test("counts of long windows can be stored and survive a restart; those of short ones are not worth it", () => {
  const limiter = machine();
  limiter.handle(call({ spends: Array.from({ length: 4 }, () => [one("a"), one("b", 1)]) }), 1_000);
  const changed = limiter.takeChanged();
  expect(changed.map(({ key }) => key)).toEqual(["b"]);
  expect(changed[0]!.expiresMs).toBe(five.windowMs);
  expect(limiter.takeChanged()).toEqual([]);
  const next = machine((key) => changed.find((count) => count.key === key)?.state);
  expect(next.handle(call({ spends: [[one("b", 1)], [one("b", 1)]] }), 2_000).spends).toMatchObject([
    [{ allowed: true }],
    [{ allowed: false }],
  ]);
});

test("isolates that call are counted, those that fell silent are not", () => {
  const limiter = machine();
  for (let n = 0; n < 3_000; n++) limiter.handle(call({ holder: `i${n}` }), 0);
  expect(limiter.handle(call({ holder: "i" }), 0).holders).toBe(1_024);
  expect(limiter.handle(call({ holder: "j" }), 5_000).holders).toBe(1_024);
  expect(limiter.handle(call({ holder: "k" }), 14_000).holders).toBe(2);
});

test("a flood of random keys from many isolates stays within its memory, and a key in use keeps its count", () => {
  const limiter = machine();
  const busy = () => limiter.handle(call({ spends: [[one("busy", 1)]] }), 0).spends[0]![0]!.allowed;
  const allowed = Array.from({ length: 6 }, (_, round) => {
    const leases = Array.from({ length: limits.asksPerLimiterCall }, (_, n) => ({
      key: `random ${round} ${n} ${"x".repeat(2_000)}`,
      limit: 0,
      wanted: 1,
      least: 1,
    }));
    for (let holder = 0; holder < 12; holder++) {
      limiter.handle(
        call({
          holder: `i${holder}`,
          leases: leases.map((ask) => ({ ...ask, key: `${ask.key}${holder % 10}` })),
        }),
        0,
      );
    }
    return busy();
  });
  expect(allowed).toEqual([true, true, true, true, true, false]);
  expect(limiter.usage.keys).toBeLessThanOrEqual(limits.limitKeysPerLimiter);
  expect(limiter.usage.bytes).toBeLessThanOrEqual(limits.limiterKeysBytes);
  expect(limiter.usage.evicted).toBeGreaterThan(0);
});
