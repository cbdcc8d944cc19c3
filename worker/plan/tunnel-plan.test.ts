import { expect, test } from "vitest";
import { limits } from "#contract/limits.ts";
import { ownTunnel } from "#contract/snapshot.ts";
import { TunnelPlan } from "./tunnel-plan.ts";

const ports = {
  fetchHub: (): Promise<Response> => Promise.reject(new Error("no hub in this test")),
  awaitNews: (): void => undefined,
};
const lifetime = { waitUntil: (): void => undefined };

test("the agent of serve is waited for until it has been seen, and not once more when it has gone", async () => {
  let asked = 0;
  let waits = 0;
  // What the region knows comes because it is asked: without another request nobody else does.
  const awaitNews = (): void => {
    asked += 1;
    if (asked === 3) tunnel.setPresent([1]);
  };
  const tunnel = new TunnelPlan(ownTunnel, { ...ports, awaitNews });
  expect(tunnel.isStarting).toBe(true);
  await tunnel.untilStarted(lifetime, async () => void (waits += 1));
  expect([asked, waits]).toEqual([3, 3]);
  tunnel.setPresent([]);
  expect(tunnel.isStarting).toBe(false);
});

test("one that does not come is waited for once, for a bounded time", async () => {
  const tunnel = new TunnelPlan(ownTunnel, ports);
  let waitedMs = 0;
  await tunnel.untilStarted(lifetime, async (ms) => void (waitedMs += ms));
  expect(waitedMs).toBe(limits.ownAgentStartMs);
  expect(tunnel.isStarting).toBe(false);
});

test("nobody waits for agents of the configuration", () => {
  expect(new TunnelPlan("prod", ports).isStarting).toBe(false);
});

test("requests that come close upon one another go to the same shard, and shards take turns", () => {
  const tunnel = new TunnelPlan("prod", ports);
  tunnel.setPresent([0, 1]);
  const first = (nowMs: number) => tunnel.shardsToTry(nowMs)[0];
  const shard = first(1_000);
  expect([1_000, 1_010, 1_049].map(first)).toEqual([shard, shard, shard]);
  const other = first(1_050);
  expect(other).toBe(1 - shard!);
  expect([1_060, 1_099].map(first)).toEqual([other, other]);
  // Those that come seldom take turns one by one.
  expect([2_000, 3_000, 4_000].map(first)).toEqual([shard, other, shard]);
});

test("long requests take turns with one another, however close they come", () => {
  const tunnel = new TunnelPlan("prod", ports);
  tunnel.setPresent([0, 1]);
  const first = (isLong: boolean) => tunnel.shardsToTry(1_000, isLong)[0];
  const [shard, long] = [first(false), first(true)];
  expect([first(true), first(false), first(true)]).toEqual([1 - long!, shard, long]);
});

test("a shard without agents is tried last, whoever's turn it is", () => {
  const tunnel = new TunnelPlan("prod", ports);
  tunnel.setPresent([1]);
  expect([0, 100, 200].map((nowMs) => tunnel.shardsToTry(nowMs))).toEqual([
    [1, 0],
    [1, 0],
    [1, 0],
  ]);
});
