// What the regions last said about themselves. Kept in memory only: each says it again within a second.
import type { Status } from "#contract/admin.ts";
import type { ControlSyncRequest } from "#contract/sync.ts";

const maxRegions = 256;
/** A region that has been silent for this long is gone. */
const forgetAfterMs = 3_600_000;

type RegionStatus = Status["regions"][number];

export class RegionReports {
  /** Insertion order is the order of the last report, so the first entry is the one to drop. */
  readonly #byRegion = new Map<string, RegionStatus>();

  record(report: ControlSyncRequest, nowMs: number): void {
    const { region, snapshotVersion, gateways, agents, endpoints, counters } = report;
    this.#byRegion.delete(region);
    this.#byRegion.set(region, {
      region,
      lastSyncMs: nowMs,
      snapshotVersion,
      gateways,
      agents,
      endpoints,
      counters,
    });
    for (const [name, { lastSyncMs }] of this.#byRegion) {
      if (this.#byRegion.size <= maxRegions && nowMs - lastSyncMs <= forgetAfterMs) break;
      this.#byRegion.delete(name);
    }
  }

  /** Sorted by name. */
  list(nowMs: number): RegionStatus[] {
    return [...this.#byRegion.values()]
      .filter(({ lastSyncMs }) => nowMs - lastSyncMs <= forgetAfterMs)
      .sort((a, b) => (a.region < b.region ? -1 : 1));
  }
}
