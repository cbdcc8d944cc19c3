import { expect, test } from "vitest";
import { limits } from "#contract/limits.ts";
import { ownTunnel } from "#contract/snapshot.ts";
import { TunnelPlan } from "./tunnel-plan.ts";

const fetchHub = (): Promise<Response> => Promise.reject(new Error("no hub in this test"));

test("the agent of serve is waited for until it has been seen, and not once more when it has gone", async () => {
  const tunnel = new TunnelPlan(ownTunnel, fetchHub);
  expect(tunnel.isStarting).toBe(true);
  let waits = 0;
  await tunnel.untilStarted(async () => {
    waits += 1;
    if (waits === 3) tunnel.setPresent([1]);
  });
  expect(waits).toBe(3);
  tunnel.setPresent([]);
  expect(tunnel.isStarting).toBe(false);
});

test("one that does not come is waited for once, for a bounded time", async () => {
  const tunnel = new TunnelPlan(ownTunnel, fetchHub);
  let waitedMs = 0;
  await tunnel.untilStarted(async (ms) => void (waitedMs += ms));
  expect(waitedMs).toBe(limits.ownAgentStartMs);
  expect(tunnel.isStarting).toBe(false);
});

test("nobody waits for agents of the configuration", () => {
  expect(new TunnelPlan("prod", fetchHub).isStarting).toBe(false);
});
