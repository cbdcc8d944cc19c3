// What the region tells its isolates of endpoints: those that are unhealthy, under a version that changes with the set.
import type { HubReport, SelfReport } from "#contract/sync.ts";
import type { RegionalEjection } from "./ejection-roll.ts";

export interface Verdict {
  readonly key: string;
  readonly healthy: boolean;
  /** Healthy, but it wants no new clients. */
  readonly draining?: true | undefined;
  readonly reason: string;
  readonly sinceMs: number;
  readonly source: "gateway" | "agent";
}

export class HealthTable {
  /** Starts at the time of day, so that a state object that starts anew never repeats a version. */
  #version: number;
  #verdicts: readonly Verdict[] = [];
  #unhealthy: readonly string[] = [];
  #ejected: readonly string[] = [];
  #reports: Readonly<Record<string, SelfReport>> = {};
  /** Since when agents say what they say of an endpoint. */
  #agentSince = new Map<string, { readonly healthy: boolean; readonly sinceMs: number }>();

  constructor(nowMs: number) {
    this.#version = Math.max(1, Math.floor(nowMs));
  }

  get version(): number {
    return this.#version;
  }

  get verdicts(): readonly Verdict[] {
    return this.#verdicts;
  }

  get unhealthy(): readonly string[] {
    return this.#unhealthy;
  }

  /** By outlier detection. */
  get ejected(): readonly string[] {
    return this.#ejected;
  }

  /** What endpoints say of themselves. */
  get reports(): Readonly<Record<string, SelfReport>> {
    return this.#reports;
  }

  /** Takes all verdicts there are at the moment. */
  update(
    probed: readonly Verdict[],
    reported: ReadonlyMap<string, HubReport["endpoints"][string]>,
    nowMs: number,
    ejections: readonly RegionalEjection[] = [],
  ): void {
    const since = new Map<string, { healthy: boolean; sinceMs: number }>();
    const agents = Array.from(reported, ([key, { healthy, draining, reason }]): Verdict => {
      const before = this.#agentSince.get(key);
      const sinceMs = before?.healthy === healthy ? before.sinceMs : nowMs;
      since.set(key, { healthy, sinceMs });
      return { key, healthy, draining, reason, sinceMs, source: "agent" };
    });
    this.#agentSince = since;
    const verdicts = [...probed, ...agents];
    const unhealthy = verdicts.filter((verdict) => !verdict.healthy).map((verdict) => verdict.key);
    unhealthy.sort();
    this.#verdicts = withEjections(verdicts, ejections);
    const ejected = ejections.map(({ key }) => key);
    const reports = reportsOf(verdicts);
    const isSame = sameKeys(unhealthy, this.#unhealthy) && sameKeys(ejected, this.#ejected);
    if (isSame && JSON.stringify(reports) === JSON.stringify(this.#reports)) return;
    this.#reports = reports;
    this.#unhealthy = unhealthy;
    this.#ejected = ejected;
    this.#version = Math.max(this.#version + 1, Math.floor(nowMs));
  }
}

function reportsOf(verdicts: readonly Verdict[]): Record<string, SelfReport> {
  const draining = verdicts.filter((verdict) => verdict.draining).map(({ key }) => key);
  return Object.fromEntries(draining.toSorted().map((key) => [key, { state: "drain" as const }]));
}

/** What people see: an endpoint that its check finds well, but requests do not, is out. */
function withEjections(verdicts: readonly Verdict[], ejections: readonly RegionalEjection[]): Verdict[] {
  if (ejections.length === 0) return [...verdicts];
  const down = new Set(verdicts.filter(({ healthy }) => !healthy).map(({ key }) => key));
  const shown = ejections.filter(({ key }) => !down.has(key));
  const ejected = new Set(shown.map(({ key }) => key));
  return [
    ...verdicts.filter(({ key }) => !ejected.has(key)),
    ...shown.map(({ key, reason, sinceMs }): Verdict => {
      return { key, healthy: false, reason: `ejected: ${reason}`, sinceMs, source: "gateway" };
    }),
  ];
}

function sameKeys(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((key, index) => key === b[index]);
}
