import { expect, test } from "vitest";
import { untilQuiet } from "./quiet-hub.ts";

interface Story {
  /** Time from which gateways ask elsewhere; absent: never. */
  readonly quietFromMs?: number;
  readonly elsewhere?: (nowMs: number) => number;
  /** How long the machine stands still each time that it is waited. */
  readonly standstillMs?: number;
}

/** What the wait came to, and when. */
async function left({
  quietFromMs = Infinity,
  elsewhere = () => 2,
  standstillMs = 0,
}: Story): Promise<[string, number]> {
  let nowMs = 0;
  const reason = await untilQuiet({
    load: async () => ({ serving: 2, streams: 0, quietMs: Math.max(0, nowMs - quietFromMs) }),
    servingElsewhere: async () => elsewhere(nowMs),
    nowMs: () => nowMs,
    wait: async (ms) => void (nowMs += ms + standstillMs),
  });
  return [reason ?? "quiet", nowMs];
}

test("a hub that nobody has asked for a while is watched for two heartbeats and a half all the same", async () => {
  expect(await left({ quietFromMs: -60_000 })).toEqual(["quiet", 2_500]);
});

test("time in which nobody could ask does not count", async () => {
  expect(await left({ quietFromMs: -60_000, standstillMs: 2_950 })).toEqual(["quiet", 30_000]);
});

test("while agents are elsewhere, gateways are given the time to hear of it that they need", async () => {
  expect(await left({ quietFromMs: 20_000 })).toEqual(["quiet", 22_500]);
});

test("without a region gateways hear of nothing", async () => {
  expect(await left({})).toEqual(["gateways have not heard that it leaves", 60_000]);
});

test("where there is nowhere to go, nobody is waited for; agents that come back at the other hub are", async () => {
  expect(await left({ elsewhere: () => 0 })).toEqual(["no other hub has an agent", 6_000]);
  const back = { quietFromMs: 9_000, elsewhere: (nowMs: number) => (nowMs < 5_000 ? 0 : 1) };
  expect(await left(back)).toEqual(["quiet", 11_500]);
});
