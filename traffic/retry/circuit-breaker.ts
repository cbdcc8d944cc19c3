// Circuit breaker of one backend in this isolate: bounds on what may be under way at the same time (Envoy Gateway
// `circuitBreaker`). A refusal is answered 503 with a code of its own, at once and without touching an endpoint.
import type { CircuitBreakerPolicy } from "#contract/backend-policy.ts";

/** `connections` are upgraded ones (WebSocket, TCP): the runtime pools the others itself. */
export type CircuitResource = "connections" | "pendingRequests" | "parallelRequests" | "parallelRetries";

const boundNames = {
  connections: "maxConnections",
  pendingRequests: "maxPendingRequests",
  parallelRequests: "maxParallelRequests",
  parallelRetries: "maxParallelRetries",
} as const satisfies Record<CircuitResource, keyof CircuitBreakerPolicy>;

export class CircuitBreaker {
  private readonly policy: CircuitBreakerPolicy;
  private readonly open: Record<CircuitResource, number> = counters();
  private readonly refused: Record<CircuitResource, number> = counters();

  constructor(policy: CircuitBreakerPolicy) {
    this.policy = policy;
  }

  /** Takes one, or counts a refusal. Whoever got true calls `release` exactly once. */
  acquire(resource: CircuitResource): boolean {
    const bound = this.policy[boundNames[resource]];
    if (bound !== undefined && this.open[resource] >= bound) {
      this.refused[resource]++;
      return false;
    }
    this.open[resource]++;
    return true;
  }

  /** Throws `RangeError` when nothing is taken. */
  release(resource: CircuitResource): void {
    if (this.open[resource] === 0) throw new RangeError(`no ${resource} to release`);
    this.open[resource]--;
  }

  status(): Readonly<Record<CircuitResource, { open: number; refused: number; bound: number | undefined }>> {
    const of = (resource: CircuitResource) => ({
      open: this.open[resource],
      refused: this.refused[resource],
      bound: this.policy[boundNames[resource]],
    });
    return {
      connections: of("connections"),
      pendingRequests: of("pendingRequests"),
      parallelRequests: of("parallelRequests"),
      parallelRetries: of("parallelRetries"),
    };
  }
}

function counters(): Record<CircuitResource, number> {
  return { connections: 0, pendingRequests: 0, parallelRequests: 0, parallelRetries: 0 };
}
