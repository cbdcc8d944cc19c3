// Totals of what isolates count, since the state object first started.

/** Distinct names that are kept; more than a large configuration makes, and a bound on what old ones leave behind. */
const maxNames = 20_000;
/** Increments under names that found no room. */
const overflowName = "counters_dropped_total";

export class CounterTotals {
  readonly #totals: Map<string, number>;
  readonly #changed = new Set<string>();

  constructor(stored: Iterable<readonly [string, number]> = []) {
    this.#totals = new Map([["requests_total", 0], ["sync_calls_total", 0], ...stored]);
  }

  add(increments: Readonly<Record<string, number>>): void {
    for (const [name, increment] of Object.entries(increments)) {
      if (!Number.isFinite(increment) || increment <= 0) continue;
      const kept = this.#totals.has(name) || this.#totals.size < maxNames ? name : overflowName;
      this.#totals.set(kept, (this.#totals.get(kept) ?? 0) + increment);
      this.#changed.add(kept);
    }
  }

  all(): Record<string, number> {
    return Object.fromEntries(this.#totals);
  }

  /** Totals that have changed since the last call, to be stored. */
  takeChanged(): [string, number][] {
    const changed = [...this.#changed].map((name): [string, number] => [name, this.#totals.get(name)!]);
    this.#changed.clear();
    return changed;
  }
}
