// What a region hands on: the operators' word down to the isolates, the isolates' numbers up to the control.
import { expect, test } from "vitest";
import type { SyncRequest } from "#contract/sync.ts";
import { histogramValues } from "#contract/latency-buckets.ts";
import { passiveHealthCheckSchema } from "#contract/backend-policy.ts";
import { snapshotOf } from "../match/match-case.ts";
import { RegionMachine } from "./region-machine.ts";

const endpoint = (port: number) => ({ id: `10.0.0.1:${port}`, address: "10.0.0.1", port, weight: 1 });

function region(): RegionMachine {
  const stored = {
    snapshot: undefined,
    trust: undefined,
    administration: undefined,
    checks: [],
    counters: [],
    histograms: [],
  };
  const machine = new RegionMachine("eu", stored, () => 0.5, 0);
  const passive = passiveHealthCheckSchema.parse({ maxEjectionPercent: 50 });
  const backend = {
    name: "orders",
    protocol: "HTTP" as const,
    endpoints: [endpoint(1), endpoint(2)],
    loadBalancer: { type: "RoundRobin" as const },
    healthCheck: { passive },
  };
  const snapshot = { ...snapshotOf([]), backends: [backend] };
  machine.takeSnapshot({ version: 1, hash: `sha256:${"0".repeat(64)}`, snapshot }, 0);
  return machine;
}

const sync = (gateway: string, more: Partial<SyncRequest> = {}): SyncRequest => ({
  gateway,
  snapshotVersion: 1,
  healthVersion: 0,
  counters: {},
  ...more,
});

test("an isolate is told what operators say, once, and only what is newer", () => {
  const machine = region();
  const administration = { version: 5, endpoints: { "orders|10.0.0.1:1": { state: "drain" as const } } };
  expect(machine.takeAdministration(administration)).toBe(true);
  expect(machine.takeAdministration({ version: 4, endpoints: {} })).toBe(false);
  expect(machine.gatewaySynced(sync("a"), 0).answer.administration).toEqual(administration);
  const informed = sync("a", { administrationVersion: 5 });
  expect(machine.gatewaySynced(informed, 0).answer.administration).toBeUndefined();
  expect(machine.controlRequest(0).administrationVersion).toBe(5);
});

test("histograms add up and are told every five seconds; gauges are those of isolates that spoke lately", () => {
  const machine = region();
  const values = Array.from({ length: histogramValues }, (_, index) => index);
  machine.gatewaySynced(sync("a", { histograms: { h: values }, gauges: { g: 3 } }), 0);
  machine.gatewaySynced(sync("b", { histograms: { h: values, broken: [1] }, gauges: { g: 4 } }), 5_000);
  const report = machine.controlRequest(5_000);
  expect(report.histograms).toEqual({ h: values.map((value) => value * 2) });
  expect(report.gauges).toEqual({ g: 7 });
  expect(machine.controlRequest(9_999).histograms).toBeUndefined();
  const later = machine.controlRequest(10_000);
  expect(later.histograms).toBeDefined();
  expect(later.gauges).toEqual({ g: 4 });
});

test("an ejection is counted once, however many isolates and heartbeats tell of it", () => {
  const machine = region();
  const ejections = { "orders|10.0.0.1:1": { untilMs: 60_000, reason: "5 errors in a row" } };
  for (const nowMs of [0, 1_000, 2_000]) {
    for (const gateway of ["a", "b"]) machine.gatewaySynced(sync(gateway, { ejections }), nowMs);
  }
  expect(machine.counters.all()).toMatchObject({
    'ejections_total{backend="orders",endpoint="10.0.0.1:1"}': 1,
  });
});

test("a hub's counters count once, whichever reports and pushes are lost on the way", () => {
  const machine = region();
  const hub = { tunnel: "web", shard: 0 };
  machine.hubAnnounced(hub, 0);
  const report = (countersBatch: string, bytes: number): void => {
    const nothingElse = { trustVersion: 0, configVersion: 1, agents: [], endpoints: {} };
    machine.hubReported(hub, { ...nothingElse, countersBatch, counters: { bytes_total: bytes } }, 0);
  };
  const taken = (): string | undefined => machine.hubPushes(0)[0]!.push.countersTaken;
  expect(taken()).toBeUndefined();
  report("1", 10);
  expect(taken()).toBe("1");
  // The hub has not heard that it was taken.
  report("1", 10);
  expect(machine.counters.all()).toMatchObject({ bytes_total: 10 });
  report("2", 5);
  expect(taken()).toBe("2");
  expect(machine.counters.all()).toMatchObject({ bytes_total: 15 });
});
