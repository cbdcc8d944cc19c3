import { expect, test } from "vitest";
import { KeepAlive } from "./keep-alive.ts";

/** Ticks once a second; when each ping was sent. */
function run(keepAlive: KeepAlive, fromMs: number, toMs: number, busy: boolean): number[] {
  const pingsMs: number[] = [];
  for (let nowMs = fromMs; nowMs <= toMs; nowMs += 1_000)
    if (typeof keepAlive.tick(nowMs, busy) === "number") pingsMs.push(nowMs);
  return pingsMs;
}

test("pings come every five seconds, and every second while streams wait and nothing is heard", () => {
  expect(run(new KeepAlive(0), 1_000, 12_000, false)).toEqual([5_000, 10_000]);
  expect(run(new KeepAlive(0), 1_000, 4_000, true)).toEqual([1_000, 2_000, 3_000, 4_000]);
});

test("with streams open, a side that hangs is unresponsive within five seconds, and well as soon as it is heard", () => {
  const keepAlive = new KeepAlive(0);
  run(keepAlive, 1_000, 2_000, true);
  expect(keepAlive.isUnresponsive).toBe(false);
  run(keepAlive, 3_000, 4_000, true);
  expect(keepAlive.isUnresponsive).toBe(true);
  keepAlive.heard(4_500);
  expect(keepAlive.isUnresponsive).toBe(false);
});

test("after a pause of one's own the other side is not blamed", () => {
  const keepAlive = new KeepAlive(0);
  keepAlive.tick(1_000, true);
  keepAlive.tick(30_000, true);
  expect(keepAlive.isUnresponsive).toBe(false);
  keepAlive.heard(30_001);
  keepAlive.tick(31_000, true);
  expect(keepAlive.isUnresponsive).toBe(false);
});

test("silence for fifteen seconds gives the connection up", () => {
  const keepAlive = new KeepAlive(0);
  run(keepAlive, 1_000, 14_000, false);
  expect(keepAlive.tick(15_000, false)).toBe("silent");
});

test("a longer round trip counts at once, shorter ones by and by", () => {
  const keepAlive = new KeepAlive(0);
  const measure = (nowMs: number, tookMs: number): number => {
    const token = keepAlive.tick(nowMs, false) as number;
    keepAlive.answered(token, nowMs + tookMs);
    keepAlive.heard(nowMs + tookMs);
    return keepAlive.roundTripMs;
  };
  expect([measure(5_000, 10), measure(10_000, 110), measure(15_000, 10)]).toEqual([10, 110, 80]);
  keepAlive.answered(1, 99_000);
  expect(keepAlive.roundTripMs).toBe(80);
});
