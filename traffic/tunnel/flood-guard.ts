// Counts frames that cost the receiver work and the sender nothing: pings, refused opens, resets, skipped frames.

export interface FloodLimits {
  /** How many may come at once. */
  readonly burst: number;
  /** How many a second in the long run. */
  readonly perSecond: number;
}

/** Pings, refused opens, resets of streams that the other side opened itself, skipped frames. */
export const defaultFlood: FloodLimits = { burst: 10_000, perSecond: 5_000 };

export class FloodGuard {
  readonly #limits: FloodLimits;
  #tokens: number;
  #atMs: number;

  constructor(limits: FloodLimits, nowMs: number) {
    this.#limits = limits;
    this.#tokens = limits.burst;
    this.#atMs = nowMs;
  }

  /** False: that was one too many. */
  charge(nowMs: number): boolean {
    const { burst, perSecond } = this.#limits;
    const elapsedMs = Math.max(0, nowMs - this.#atMs);
    this.#tokens = Math.min(burst, this.#tokens + (elapsedMs * perSecond) / 1_000);
    this.#atMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
