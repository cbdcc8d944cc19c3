// How long to wait before the next attempt: exponential with full jitter, so that a thousand agents that lost the same
// edge do not come back together.

export interface BackoffOptions {
  /** Longest delay before the first retry; doubles with each failure. */
  readonly baseMs: number;
  readonly capMs: number;
}

export interface Backoff {
  /** Delay before the next attempt, after one more failure. */
  nextMs(): number;
  /** Called once an attempt has proved stable. */
  reset(): void;
}

/** Full jitter: uniform in `[0, min(capMs, baseMs · 2^failures))`. `random` yields [0, 1). */
export function createBackoff({ baseMs, capMs }: BackoffOptions, random: () => number): Backoff {
  let failures = 0;
  return {
    nextMs() {
      const ceilingMs = Math.min(capMs, baseMs * 2 ** Math.min(failures, 30));
      failures += 1;
      return Math.floor(random() * ceilingMs);
    },
    reset() {
      failures = 0;
    },
  };
}
