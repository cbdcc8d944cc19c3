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
