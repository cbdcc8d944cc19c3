// What a region knows and what it has to do next. The state object around it only stores, dials and sets its alarm; time
// and randomness are arguments.
import type { Administration } from "#contract/administration.ts";
import { counterName } from "#contract/counter-name.ts";
import { limits } from "#contract/limits.ts";
import type { VersionedSnapshot } from "#contract/snapshot.ts";
import type {
  ControlSyncRequest,
  HubPush,
  HubReport,
  SyncRequest,
  SyncResponse,
  Trust,
} from "#contract/sync.ts";
import type { CheckState, ProbeResult } from "../health/active-check.ts";
import { CounterTotals } from "./counter-totals.ts";
import { GaugeTable } from "./gauge-table.ts";
import { EjectionRoll } from "./ejection-roll.ts";
import { gatewayExpiryMs, GatewayRoll } from "./gateway-roll.ts";
import { HealthTable } from "./health-table.ts";
import { HistogramTotals } from "./histogram-totals.ts";
import { type HubRef, HubRoll } from "./hub-roll.ts";
import { type Probe, ProbeSchedule } from "./probe-schedule.ts";
import { sliceForTunnel } from "./tunnel-slice.ts";

/** What the state object has kept from before. */
export interface StoredRegion {
  readonly snapshot: VersionedSnapshot | undefined;
  readonly trust: Trust | undefined;
  readonly administration: Administration | undefined;
  readonly checks: readonly (readonly [string, CheckState])[];
  readonly counters: readonly (readonly [string, number])[];
  readonly histograms: readonly (readonly [string, readonly number[]])[];
}

export interface GatewayAnswer {
  /** The snapshot itself is for the caller to add. */
  readonly needsSnapshot: boolean;
  readonly answer: SyncResponse;
}

export const tickMs = 1_000;
/** A pause that keeps probes that are due at nearly the same time together. */
const shortestPauseMs = 100;

/** From the time that a probe is due until its verdict is there, usually. */
const probeTakesMs = 75;

/** Histograms are most of what a region has to tell, and nobody looks at them every second. */
const histogramReportMs = 5_000;

export class RegionMachine {
  readonly counters: CounterTotals;
  readonly histograms: HistogramTotals;
  readonly probes: ProbeSchedule;
  readonly #region: string;
  readonly #gateways = new GatewayRoll();
  readonly #gauges = new GaugeTable();
  readonly #hubs = new HubRoll();
  readonly #ejections = new EjectionRoll();
  readonly #health: HealthTable;
  #snapshot: VersionedSnapshot | undefined;
  #trust: Trust | undefined;
  #administration: Administration | undefined;
  #heardMs = -Infinity;
  #histogramsToldMs = -Infinity;

  constructor(region: string, stored: StoredRegion, random: () => number, nowMs: number) {
    this.#region = region;
    this.counters = new CounterTotals(stored.counters);
    this.histograms = new HistogramTotals(stored.histograms);
    this.probes = new ProbeSchedule(random);
    this.#health = new HealthTable(nowMs);
    this.#trust = stored.trust;
    this.#administration = stored.administration;
    if (stored.snapshot) this.takeSnapshot(stored.snapshot, nowMs);
    this.probes.restore(stored.checks, nowMs);
    this.refreshHealth(nowMs);
  }

  /** True when it is newer than what is held, and so has been taken. */
  takeSnapshot(snapshot: VersionedSnapshot, nowMs: number): boolean {
    if (snapshot.version <= (this.#snapshot?.version ?? 0)) return false;
    this.#snapshot = snapshot;
    this.probes.replace(snapshot.snapshot, nowMs);
    this.#ejections.replace(snapshot.snapshot);
    this.refreshHealth(nowMs);
    return true;
  }

  takeTrust(trust: Trust): boolean {
    if (trust.version <= (this.#trust?.version ?? 0)) return false;
    this.#trust = trust;
    return true;
  }

  takeAdministration(administration: Administration): boolean {
    if (administration.version <= (this.#administration?.version ?? 0)) return false;
    this.#administration = administration;
    return true;
  }

  /** Takes an isolate's heartbeat, and answers it as `gatewayAnswer` does. */
  gatewaySynced(sync: SyncRequest, nowMs: number): GatewayAnswer {
    const { gateway, snapshotVersion } = sync;
    this.#heardMs = nowMs;
    this.#gateways.heard(gateway, snapshotVersion, nowMs);
    this.counters.add(sync.counters);
    this.histograms.add(sync.histograms ?? {});
    this.#gauges.heard(gateway, sync.gauges ?? {}, nowMs);
    this.#ejections.heard(gateway, sync.ejections);
    const found = Object.entries(sync.observed ?? {}).filter(([key, reached]) =>
      this.probes.observed(key, reached, nowMs),
    );
    const ejects = this.#health.ejected.length > 0 || Object.keys(sync.ejections ?? {}).length > 0;
    if (ejects || found.length > 0) this.refreshHealth(nowMs);
    return this.gatewayAnswer(sync, nowMs);
  }

  /** What an isolate does not know yet, and where the tunnels are, which it is told in any case. */
  gatewayAnswer(sync: SyncRequest, nowMs: number): GatewayAnswer {
    const { snapshotVersion, healthVersion, administrationVersion = 0 } = sync;
    const { version, unhealthy, ejected, reports } = this.#health;
    const administration = this.#administration;
    return {
      needsSnapshot: (this.#snapshot?.version ?? 0) > snapshotVersion,
      answer: {
        ...(version !== healthVersion && {
          health: { version, unhealthy: [...unhealthy], ejected: [...ejected], reports },
        }),
        ...this.#nextSync(nowMs),
        ...(administration && administration.version > administrationVersion && { administration }),
        tunnels: this.#hubs.presence(nowMs),
      },
    };
  }

  #nextSync(nowMs: number): Pick<SyncResponse, "nextSyncMs"> {
    const nextMs = Math.ceil(this.probes.nextChangeMs() - nowMs) + probeTakesMs;
    return nextMs < limits.syncIntervalMs ? { nextSyncMs: Math.max(nextMs, limits.syncSoonestMs) } : {};
  }

  /** What isolates are told, in short: whenever this is another text, there is news for those that wait for some. */
  newsMark(nowMs: number): string {
    const versions = [this.#snapshot?.version, this.#administration?.version, this.#health.version];
    return JSON.stringify([versions, this.#hubs.presence(nowMs)]);
  }

  /** A hub has agents: everything it needs to serve them. */
  hubAnnounced(hub: HubRef, nowMs: number): HubPush {
    this.#heardMs = nowMs;
    this.#hubs.announced(hub, nowMs);
    return this.#pushFor(hub, 0, 0);
  }

  /** Hubs to ask now, each with what is news to it. */
  hubPushes(nowMs: number): { readonly hub: HubRef; readonly push: HubPush }[] {
    return this.#hubs.active(nowMs).map(({ countersBatch, ...hub }) => {
      const push = this.#pushFor(hub, hub.trustVersion, hub.configVersion);
      return { hub, push: { ...push, ...(countersBatch !== undefined && { countersTaken: countersBatch }) } };
    });
  }

  hubReported(hub: HubRef, report: HubReport, nowMs: number): void {
    if (this.#hubs.reported(hub, report, nowMs)) this.counters.add(report.counters ?? {});
    this.refreshHealth(nowMs);
  }

  /** Returns true when the verdict on an endpoint has changed. */
  probeEnded(probe: Probe, result: ProbeResult, nowMs: number): boolean {
    const changed = this.probes.ended(probe, result, nowMs);
    if (changed) this.refreshHealth(nowMs);
    return changed;
  }

  refreshHealth(nowMs: number): void {
    const before = new Set(this.#health.ejected);
    const ejections = this.#ejections.merged(nowMs);
    this.#health.update(this.probes.verdicts(), this.#hubs.verdicts(nowMs), nowMs, ejections);
    for (const key of this.#health.ejected) {
      if (!before.has(key)) this.counters.add({ [ejectionCounter(key)]: 1 });
    }
  }

  /** What to tell the control. */
  controlRequest(nowMs: number): ControlSyncRequest {
    const tellsHistograms = nowMs - this.#histogramsToldMs >= histogramReportMs;
    if (tellsHistograms) this.#histogramsToldMs = nowMs;
    return {
      region: this.#region,
      snapshotVersion: this.#snapshot?.version ?? 0,
      trustVersion: this.#trust?.version ?? 0,
      administrationVersion: this.#administration?.version ?? 0,
      gateways: this.#gateways.present(nowMs),
      agents: this.#hubs.agents(nowMs),
      endpoints: [...this.#health.verdicts],
      counters: this.counters.all(),
      ...(tellsHistograms && { histograms: this.histograms.all() }),
      gauges: this.#gauges.sums(nowMs),
    };
  }

  /** When to wake up next; undefined once nobody has spoken to the region for a minute. */
  nextWakeMs(nowMs: number): number | undefined {
    if (nowMs - this.#heardMs >= gatewayExpiryMs && this.#hubs.active(nowMs).length === 0) return undefined;
    return Math.max(nowMs + shortestPauseMs, Math.min(nowMs + tickMs, this.probes.nextMs()));
  }

  #pushFor({ tunnel }: HubRef, trustVersion: number, configVersion: number): HubPush {
    const trust = this.#trust && this.#trust.version > trustVersion ? this.#trust : undefined;
    const snapshot = this.#snapshot && this.#snapshot.version > configVersion ? this.#snapshot : undefined;
    return { ...(trust && { trust }), ...(snapshot && { config: sliceForTunnel(snapshot, tunnel) }) };
  }
}

function ejectionCounter(key: string): string {
  const bar = key.lastIndexOf("|");
  return counterName("ejections_total", { backend: key.slice(0, bar), endpoint: key.slice(bar + 1) });
}
