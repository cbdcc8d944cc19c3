// What the regions last said about themselves. Kept in memory only: each says it again within seconds.
import type { Status } from "#contract/admin.ts";
import type { ControlSyncRequest } from "#contract/sync.ts";

const maxRegions = 256;
/** A region that has been silent for this long is gone. */
const forgetAfterMs = 3_600_000;
/** Reports of counters that are kept, so that rates are over the last seconds and not over one heartbeat. */
const keptReports = 6;

type RegionStatus = Status["regions"][number];

/** Counters of a region at one time. */
interface CounterReport {
  readonly atMs: number;
  readonly counters: Readonly<Record<string, number>>;
}

/** The numbers of a region: totals since it first started, and what is so at present. */
export interface RegionTraffic extends CounterReport {
  readonly region: string;
  /** Some seconds before, for rates; absent: there is one report only. */
  readonly earlier?: CounterReport;
  /** As `contract/latency-buckets.ts` lays them out. */
  readonly histograms: Readonly<Record<string, readonly number[]>>;
  readonly gauges: Readonly<Record<string, number>>;
}

interface Region {
  readonly status: RegionStatus;
  readonly histograms: RegionTraffic["histograms"];
  readonly gauges: RegionTraffic["gauges"];
  /** Oldest first. */
  readonly reports: readonly CounterReport[];
}

export class RegionReports {
  /** Insertion order is the order of the last report, so the first entry is the one to drop. */
  readonly #byRegion = new Map<string, Region>();

  record(report: ControlSyncRequest, nowMs: number): void {
    const { region, snapshotVersion, gateways, agents, endpoints, counters, gauges = {} } = report;
    const before = this.#byRegion.get(region);
    this.#byRegion.delete(region);
    this.#byRegion.set(region, {
      status: { region, lastSyncMs: nowMs, snapshotVersion, gateways, agents, endpoints, counters },
      histograms: report.histograms ?? before?.histograms ?? {},
      gauges,
      reports: [...(before?.reports ?? []), { atMs: nowMs, counters }].slice(-keptReports),
    });
    for (const [name, { status }] of this.#byRegion) {
      if (this.#byRegion.size <= maxRegions && nowMs - status.lastSyncMs <= forgetAfterMs) break;
      this.#byRegion.delete(name);
    }
  }

  /** Sorted by name. */
  list(nowMs: number): RegionStatus[] {
    return this.#present(nowMs).map(({ status }) => status);
  }

  /** Sorted by name. */
  traffic(nowMs: number): RegionTraffic[] {
    return this.#present(nowMs).map(({ status, histograms, gauges, reports }) => {
      const [earlier] = reports;
      const { region, lastSyncMs: atMs, counters } = status;
      return { region, atMs, counters, histograms, gauges, ...(reports.length > 1 && { earlier: earlier! }) };
    });
  }

  #present(nowMs: number): Region[] {
    return [...this.#byRegion.values()]
      .filter(({ status }) => nowMs - status.lastSyncMs <= forgetAfterMs)
      .sort((a, b) => (a.status.region < b.status.region ? -1 : 1));
  }
}
