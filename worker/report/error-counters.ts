// Counts the errors that this isolate answered itself, by code; they outlive a snapshot.
import type { ErrorCode } from "#contract/error.ts";

export class ErrorCounters {
  readonly #counts = new Map<ErrorCode, number>();

  count(code: ErrorCode): void {
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1);
  }

  /** Hands over the increments since the last call and starts anew. */
  take(into: Map<string, number>): void {
    for (const [code, count] of this.#counts) {
      const name = `errors_total{code="${code}"}`;
      into.set(name, (into.get(name) ?? 0) + count);
    }
    this.#counts.clear();
  }
}
