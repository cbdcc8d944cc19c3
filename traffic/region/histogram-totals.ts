// Totals of the latency histograms that isolates send, since the state object first started.
import { histogramValues } from "#contract/latency-buckets.ts";

/** Two per backend of a large configuration; with 13 numbers each, a bound on memory and on the heartbeat, too. */
const maxNames = 5_000;

export class HistogramTotals {
  readonly #totals = new Map<string, number[]>();
  readonly #changed = new Set<string>();

  constructor(stored: Iterable<readonly [string, readonly number[]]> = []) {
    for (const [name, values] of stored) {
      if (isWhole(values)) this.#totals.set(name, [...values]);
    }
  }

  /** Names beyond the bound are left out; their requests are still counted by status. */
  add(increments: Readonly<Record<string, readonly number[]>>): void {
    for (const [name, values] of Object.entries(increments)) {
      if (!isWhole(values)) continue;
      const known = this.#totals.get(name);
      if (!known && this.#totals.size >= maxNames) continue;
      this.#totals.set(name, known ? known.map((value, index) => value + values[index]!) : [...values]);
      this.#changed.add(name);
    }
  }

  all(): Record<string, number[]> {
    return Object.fromEntries(this.#totals);
  }

  /** Totals that have changed since the last call, to be stored. */
  takeChanged(): [string, number[]][] {
    const changed = [...this.#changed].map((name): [string, number[]] => [name, this.#totals.get(name)!]);
    this.#changed.clear();
    return changed;
  }
}

function isWhole(values: readonly number[]): boolean {
  return values.length === histogramValues && values.every((value) => Number.isFinite(value) && value >= 0);
}
