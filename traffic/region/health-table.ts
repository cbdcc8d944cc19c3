// What the region tells its isolates of endpoints: those that are unhealthy, under a version that changes with the set.

export interface Verdict {
  readonly key: string;
  readonly healthy: boolean;
  readonly reason: string;
  readonly sinceMs: number;
  readonly source: "gateway" | "agent";
}

export class HealthTable {
  /** Starts at the time of day, so that a state object that starts anew never repeats a version. */
  #version: number;
  #verdicts: readonly Verdict[] = [];
  #unhealthy: readonly string[] = [];
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

  /** Takes all verdicts there are at the moment. */
  update(
    probed: readonly Verdict[],
    reported: ReadonlyMap<string, { readonly healthy: boolean; readonly reason: string }>,
    nowMs: number,
  ): void {
    const since = new Map<string, { healthy: boolean; sinceMs: number }>();
    const agents = Array.from(reported, ([key, { healthy, reason }]): Verdict => {
      const before = this.#agentSince.get(key);
      const sinceMs = before?.healthy === healthy ? before.sinceMs : nowMs;
      since.set(key, { healthy, sinceMs });
      return { key, healthy, reason, sinceMs, source: "agent" };
    });
    this.#agentSince = since;
    this.#verdicts = [...probed, ...agents];
    const unhealthy = this.#verdicts.filter((verdict) => !verdict.healthy).map((verdict) => verdict.key);
    unhealthy.sort();
    if (sameKeys(unhealthy, this.#unhealthy)) return;
    this.#unhealthy = unhealthy;
    this.#version = Math.max(this.#version + 1, Math.floor(nowMs));
  }
}

function sameKeys(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((key, index) => key === b[index]);
}
