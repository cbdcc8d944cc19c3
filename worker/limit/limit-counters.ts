// Counts what the limits of this isolate decided, and the calls that it cost; outlives a snapshot. As many entries as the
// configurations of the isolate's life had limits.
import { counterName } from "#contract/counter-name.ts";

/** Of one limit. */
export interface LimitCounts {
  admitted: number;
  refused: number;
  /** Shadow mode: admitted, though the limit says no. */
  shadowed: number;
  /** Decided without the limiter, which could not be reached. */
  unchecked: number;
}

const results = ["admitted", "refused", "shadowed", "unchecked"] as const;

export class LimitCounters {
  /** To objects, whatever they carried. */
  calls = 0;
  readonly #counts = new Map<string, LimitCounts>();

  of(id: string): LimitCounts {
    let counts = this.#counts.get(id);
    if (!counts) {
      counts = { admitted: 0, refused: 0, shadowed: 0, unchecked: 0 };
      this.#counts.set(id, counts);
    }
    return counts;
  }

  /** Hands over the increments since the last call, by counter name, and starts anew. */
  take(into: Map<string, number>): void {
    const add = (name: string, count: number): void => {
      if (count > 0) into.set(name, (into.get(name) ?? 0) + count);
    };
    add("limiter_calls_total", this.calls);
    this.calls = 0;
    for (const [id, counts] of this.#counts) {
      for (const result of results) {
        if (counts[result] > 0)
          add(counterName("limit_requests_total", { limit: id, result }), counts[result]);
        counts[result] = 0;
      }
    }
  }
}
