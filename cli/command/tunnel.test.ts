import { expect, test } from "vitest";
import { summariesOf } from "./tunnel.ts";

const connection = (
  tunnel: string,
  instance: string,
  changes = {},
): Parameters<typeof summariesOf>[0][number] => ({
  tunnel,
  shard: 0,
  connection: "c",
  instance,
  spiffeId: "s",
  certificateSerial: "1",
  certificateNotAfterMs: 2_000,
  connectedAtMs: 0,
  configVersion: 1,
  streams: 3,
  draining: false,
  ...changes,
});

test("connections are added up by tunnel; an agent counts once, the first certificate to end counts", () => {
  const tunnels = summariesOf([
    connection("production", "one"),
    connection("production", "one", { shard: 1, draining: true, certificateNotAfterMs: 1_000 }),
    connection("production", "two", { responsive: false }),
    connection("admin", "x"),
  ]);
  expect(tunnels).toEqual([
    {
      tunnel: "admin",
      agents: 1,
      connections: 1,
      streams: 3,
      draining: 0,
      unresponsive: 0,
      certificateNotAfterMs: 2_000,
    },
    {
      tunnel: "production",
      agents: 2,
      connections: 3,
      streams: 9,
      draining: 1,
      unresponsive: 1,
      certificateNotAfterMs: 1_000,
    },
  ]);
});
