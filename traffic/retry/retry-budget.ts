// The retry budget of one backend (GEP-3388): in any interval retries may be a part of the requests, and a minimum rate is
// always allowed. It is shared by all routes to the backend, so that retries cannot multiply its load.
import type { RetryConstraint } from "#contract/backend-policy.ts";
import { SlidingCount } from "./sliding-count.ts";

export class RetryBudget {
  private readonly part: number;
  private readonly minCount: number;
  private readonly requests: SlidingCount;
  /** Retries of the last budget interval, whichever rule allowed them. */
  private readonly retries: SlidingCount;
  private readonly recentRetries: SlidingCount;

  constructor({ budget, minRetryRate }: RetryConstraint) {
    this.part = budget.percent / 100;
    this.minCount = minRetryRate.count;
    this.requests = new SlidingCount(budget.intervalMs);
    this.retries = new SlidingCount(budget.intervalMs);
    this.recentRetries = new SlidingCount(minRetryRate.intervalMs);
  }

  /** A request came in; retries do not count. */
  request(nowMs: number): void {
    this.requests.add(nowMs);
  }

  /** Takes one retry out of the budget, if there is one. */
  take(nowMs: number): boolean {
    const withinShare = this.retries.total(nowMs) + 1 <= this.part * this.requests.total(nowMs);
    const withinMinimum = this.recentRetries.total(nowMs) < this.minCount;
    if (!withinShare && !withinMinimum) return false;
    this.retries.add(nowMs);
    this.recentRetries.add(nowMs);
    return true;
  }
}
