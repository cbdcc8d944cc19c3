import { expect, test } from "vitest";
import type { SyncRequest } from "#contract/sync.ts";
import { agentOf, backendOf, check, snapshotWith } from "./region-case.ts";
import { RegionMachine, type StoredRegion } from "./region-machine.ts";

const nothing: StoredRegion = {
  snapshot: undefined,
  trust: undefined,
  administration: undefined,
  checks: [],
  counters: [],
  histograms: [],
};
const trust = { version: 2, trustDomain: "isthmus.local", rootsPem: ["x"], revokedSerials: [] };
const machine = (stored: Partial<StoredRegion> = {}, nowMs = 0) =>
  new RegionMachine("r", { ...nothing, ...stored }, () => 0, nowMs);
const beat = (more: Partial<SyncRequest> = {}): SyncRequest => ({
  gateway: "g",
  snapshotVersion: 0,
  healthVersion: 0,
  counters: {},
  ...more,
});

test("only newer versions replace what is held", () => {
  const region = machine({ snapshot: snapshotWith(5, []), trust });
  expect(region.takeSnapshot(snapshotWith(5, []), 0)).toBe(false);
  expect(region.takeSnapshot(snapshotWith(6, []), 0)).toBe(true);
  expect(region.takeTrust(trust)).toBe(false);
  expect(region.takeTrust({ ...trust, version: 3 })).toBe(true);
  expect(region.gatewaySynced(beat({ snapshotVersion: 5 }), 0).needsSnapshot).toBe(true);
  expect(region.gatewaySynced(beat({ snapshotVersion: 6 }), 0).needsSnapshot).toBe(false);
});

test("a hub is asked while it has agents, and told only what is news to it", () => {
  const region = machine({ snapshot: snapshotWith(5, [backendOf("pods", [1], { tunnel: "t" })]), trust });
  const hub = { tunnel: "t", shard: 1 };
  expect(region.hubPushes(0)).toEqual([]);
  expect(region.hubAnnounced(hub, 0)).toMatchObject({ trust, config: { version: 5, tunnel: "t" } });
  const report = { trustVersion: 2, configVersion: 5, agents: [agentOf("t", 1)], endpoints: {} };
  region.hubReported(hub, report, 10);
  expect(region.hubPushes(1_000)).toMatchObject([{ hub, push: {} }]);
  expect(region.hubPushes(1_000)[0]!.push).toEqual({});
  region.takeSnapshot(snapshotWith(6, []), 1_000);
  expect(region.hubPushes(1_000)[0]!.push).toMatchObject({ config: { version: 6, backends: [] } });
  expect(region.hubPushes(70_000)).toEqual([]);
});

test("isolates learn where agents take streams, and forget hubs that fall silent", () => {
  const region = machine();
  const hub = { tunnel: "t", shard: 0 };
  region.hubAnnounced(hub, 0);
  const report = (draining: boolean) => ({
    trustVersion: 0,
    configVersion: 0,
    agents: [agentOf("t", 0, { draining })],
    endpoints: {},
  });
  const tunnels = (nowMs: number) => region.gatewaySynced(beat(), nowMs).answer.tunnels;
  expect(tunnels(0)).toEqual({});
  region.hubReported(hub, report(false), 0);
  expect(tunnels(1_000)).toEqual({ t: [0] });
  region.hubReported(hub, report(true), 1_000);
  expect(tunnels(1_000)).toEqual({});
  region.hubReported(hub, report(false), 2_000);
  expect(tunnels(7_000)).toEqual({});
});

test("whatever isolates are told of is news once, and nothing else is", () => {
  const region = machine();
  const hub = { tunnel: "t", shard: 0 };
  const report = (healthy: boolean) => ({
    trustVersion: 0,
    configVersion: 0,
    agents: [agentOf("t", 0)],
    endpoints: { "pods|a": { healthy, reason: "seen" } },
  });
  let mark = region.newsMark(0);
  const isNews = (): boolean => {
    const before = mark;
    mark = region.newsMark(1_000);
    return mark !== before;
  };
  const events: [boolean, () => unknown][] = [
    [true, () => region.takeSnapshot(snapshotWith(5, []), 0)],
    [false, () => region.takeSnapshot(snapshotWith(5, []), 0)],
    [true, () => region.takeAdministration({ version: 1, endpoints: {} })],
    [false, () => region.takeTrust(trust)],
    [false, () => region.hubAnnounced(hub, 0)],
    [true, () => region.hubReported(hub, report(true), 0)],
    [false, () => region.hubReported(hub, report(true), 1_000)],
    [true, () => region.hubReported(hub, report(false), 1_000)],
    [false, () => region.gatewaySynced(beat({ counters: { requests_total: 1 } }), 1_000)],
  ];
  for (const [expected, happens] of events) {
    happens();
    expect(isNews(), String(happens)).toBe(expected);
  }
});

test("an endpoint is unhealthy when no agent that checks it reaches it", () => {
  const region = machine();
  const verdict = (healthy: boolean) => ({
    trustVersion: 0,
    configVersion: 0,
    agents: [],
    endpoints: { "pods|a": { healthy, reason: "seen" } },
  });
  for (const shard of [0, 1]) region.hubAnnounced({ tunnel: "t", shard }, 0);
  const unhealthy = () => region.gatewaySynced(beat(), 0).answer.health?.unhealthy;
  region.hubReported({ tunnel: "t", shard: 0 }, verdict(false), 0);
  expect(unhealthy()).toEqual(["pods|a"]);
  region.hubReported({ tunnel: "t", shard: 1 }, verdict(true), 0);
  expect(unhealthy()).toEqual([]);
});

test("health has a new version exactly when the set of unhealthy endpoints has changed", () => {
  const region = machine({
    snapshot: snapshotWith(1, [backendOf("pods", [1], { healthCheck: { active: check } })]),
  });
  const health = (healthVersion: number) => region.gatewaySynced(beat({ healthVersion }), 0).answer.health;
  const first = health(0)!;
  expect(first.unhealthy).toEqual([]);
  expect(health(first.version)).toBeUndefined();
  const [probe] = region.probes.start(0, 10);
  expect(region.probeEnded(probe!, { ok: false, detail: "refused" }, 5)).toBe(true);
  const second = health(first.version)!;
  expect(second.unhealthy).toEqual(["pods|10.0.0.1:1"]);
  expect(health(second.version)).toBeUndefined();
  expect(region.controlRequest(5).endpoints).toMatchObject([
    { key: "pods|10.0.0.1:1", healthy: false, source: "gateway", sinceMs: 5 },
  ]);
});

test("a region that starts anew remembers who was sick, and probes at once", () => {
  const snapshot = snapshotWith(1, [backendOf("pods", [1], { healthCheck: { active: check } })]);
  const before = machine({ snapshot });
  const [probe] = before.probes.start(0, 10);
  before.probeEnded(probe!, { ok: false, detail: "refused" }, 0);
  const after = machine({ snapshot, checks: before.probes.states() }, 60_000);
  expect(after.gatewaySynced(beat(), 60_000).answer.health?.unhealthy).toEqual(["pods|10.0.0.1:1"]);
  expect(after.probes.start(60_000, 10)).toHaveLength(1);
});

test("it wakes once per second, earlier for a probe, and sleeps once nobody speaks to it", () => {
  const region = machine();
  expect(region.nextWakeMs(0)).toBeUndefined();
  region.gatewaySynced(beat(), 0);
  expect(region.nextWakeMs(0)).toBe(1_000);
  const fast = { ...check, intervalMs: 300 };
  region.takeSnapshot(snapshotWith(1, [backendOf("pods", [1], { healthCheck: { active: fast } })]), 0);
  expect(region.nextWakeMs(0)).toBe(100);
  const [probe] = region.probes.start(0, 10);
  expect(region.nextWakeMs(0)).toBe(1_000);
  region.probeEnded(probe!, { ok: true, detail: "" }, 10);
  expect(region.nextWakeMs(10)).toBeLessThan(400);
  expect(region.nextWakeMs(60_000)).toBeUndefined();
});

test("isolates are asked back when a verdict may have changed, not each time a check is due", () => {
  const check500 = { ...check, intervalMs: 500, unhealthyThreshold: 2, healthyThreshold: 2 };
  const backend = backendOf("pods", [1], { healthCheck: { active: check500 } });
  const region = machine({ snapshot: snapshotWith(1, [backend]) });
  const probed = (ok: boolean, nowMs: number): number | undefined => {
    region.probeEnded(region.probes.start(nowMs, 1)[0]!, { ok, detail: "" }, nowMs);
    return region.gatewaySynced(beat({ snapshotVersion: 1 }), nowMs).answer.nextSyncMs;
  };
  expect(probed(true, 0)).toBeUndefined();
  expect(probed(false, 500)).toBe(525);
  expect(probed(false, 1_000)).toBeUndefined();
  expect(probed(true, 1_500)).toBe(525);
  expect(region.gatewaySynced(beat({ snapshotVersion: 1 }), 1_900).answer.nextSyncMs).toBe(250);
});
