// What the isolate counts of one backend to protect it: breaker, requests under way, retry and hedging budgets. Kept from
// snapshot to snapshot while the policies stay the same, so that what is under way stays counted.
import { type RetryConstraint, retryConstraintSchema } from "#contract/backend-policy.ts";
import type { SnapshotBackend } from "#contract/snapshot.ts";
import { CircuitBreaker } from "#traffic/retry/circuit-breaker.ts";
import { RetryBudget } from "#traffic/retry/retry-budget.ts";

export class BackendLoad {
  readonly #policies: string;
  readonly #constraint: RetryConstraint | undefined;
  readonly #hedgePercent: number;
  #budget: RetryBudget | undefined;
  #hedgeBudget: RetryBudget | undefined;
  readonly breaker: CircuitBreaker | undefined;
  /** Requests under way, as far as load shedding asks. */
  inFlight = 0;

  constructor({ circuitBreaker, loadShedding, retryConstraint, hedging }: SnapshotBackend) {
    this.#policies = JSON.stringify([circuitBreaker, loadShedding, retryConstraint, hedging]);
    this.breaker = circuitBreaker && new CircuitBreaker(circuitBreaker);
    this.#constraint = retryConstraint;
    this.#hedgePercent = hedging?.budgetPercent ?? 0;
  }

  /** Of all rules' retries to this backend. Made when first asked for: most backends are never retried. */
  get retryBudget(): RetryBudget {
    return (this.#budget ??= new RetryBudget(this.#constraint ?? retryConstraintSchema.parse({})));
  }

  get hedgeBudget(): RetryBudget {
    return (this.#hedgeBudget ??= new RetryBudget({
      budget: { percent: this.#hedgePercent, intervalMs: 10_000 },
      minRetryRate: { count: 1, intervalMs: 1_000 },
    }));
  }

  hasSamePolicies(other: BackendLoad): boolean {
    return this.#policies === other.#policies;
  }
}

export function backendLoad(backend: SnapshotBackend, previous: BackendLoad | undefined): BackendLoad {
  const load = new BackendLoad(backend);
  return previous?.hasSamePolicies(load) ? previous : load;
}
