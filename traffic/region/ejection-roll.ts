// Ejections that the isolates of a region report, merged per backend so that the bound on how many may be ejected holds
// for all of them together. An isolate that falls silent is believed until its ejections end.
import type { Snapshot, SnapshotBackend } from "#contract/snapshot.ts";
import { endpointKey } from "#contract/snapshot.ts";
import type { SyncRequest } from "#contract/sync.ts";
import { mergeEjections } from "../outlier/merge-ejections.ts";

type Reports = NonNullable<SyncRequest["ejections"]>;

/** An ejection in force in the region. */
export interface RegionalEjection {
  /** `endpointKey`. */
  readonly key: string;
  readonly reason: string;
  readonly sinceMs: number;
}

const maxGateways = 1_024;

export class EjectionRoll {
  readonly #reports = new Map<string, Reports>();
  #backends: ReadonlyMap<string, SnapshotBackend> = new Map();
  #merged: readonly RegionalEjection[] = [];

  replace({ backends }: Snapshot): void {
    this.#backends = new Map(
      backends.filter(({ healthCheck }) => healthCheck.passive).map((backend) => [backend.name, backend]),
    );
  }

  /** What an isolate reports takes the place of what it reported before. */
  heard(gateway: string, ejections: Reports | undefined): void {
    this.#reports.delete(gateway);
    if (!ejections || Object.keys(ejections).length === 0) return;
    this.#reports.set(gateway, ejections);
    const [oldest] = this.#reports.keys();
    if (this.#reports.size > maxGateways) this.#reports.delete(oldest!);
  }

  /** In force now, in the order of the keys. */
  merged(nowMs: number): readonly RegionalEjection[] {
    if (this.#reports.size === 0 && this.#merged.length === 0) return this.#merged;
    const since = new Map(this.#merged.map(({ key, sinceMs }) => [key, sinceMs]));
    const merged = [...this.#backends.values()].flatMap((backend) =>
      this.#mergeBackend(backend, nowMs).map(({ key, reason }) => ({
        key,
        reason,
        sinceMs: since.get(key) ?? nowMs,
      })),
    );
    for (const [gateway, reports] of this.#reports) {
      if (Object.values(reports).every(({ untilMs }) => untilMs <= nowMs)) this.#reports.delete(gateway);
    }
    return (this.#merged = merged.sort((a, b) => (a.key < b.key ? -1 : 1)));
  }

  #mergeBackend(
    { name, endpoints, healthCheck }: SnapshotBackend,
    nowMs: number,
  ): { key: string; reason: string }[] {
    const keys = endpoints.map(({ id }) => endpointKey(name, id));
    const reports = [...this.#reports.values()].map((report) =>
      keys.flatMap((id) => (report[id] ? [{ id, untilMs: report[id].untilMs }] : [])),
    );
    const percent = healthCheck.passive?.maxEjectionPercent ?? 0;
    return mergeEjections(reports, endpoints.length, percent, nowMs).map(({ id }) => ({
      key: id,
      reason: this.#reasonFor(id),
    }));
  }

  #reasonFor(key: string): string {
    for (const reports of this.#reports.values()) if (reports[key]) return reports[key].reason;
    return "";
  }
}
