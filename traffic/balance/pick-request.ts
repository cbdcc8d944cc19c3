// What a pick and the end of a request tell the balancer. Plain data, so the hot path can reuse one object.

export interface PickRequest {
  /** Now, in milliseconds; any monotonic origin, but the same for all calls on one balancer. */
  readonly nowMs: number;
  /** 32-bit hash of whatever binds the client (`hashText`). Only ConsistentHash looks at it; absent: a random endpoint. */
  readonly hashKey?: number | undefined;
  /** Endpoints already tried. When no other endpoint can be had the answer is -1; the caller may ask again without it. */
  readonly exclude?: readonly number[] | undefined;
}

/** How a request on an endpoint ended. */
export interface RequestOutcome {
  readonly nowMs: number;
  /** Time to the response head. */
  readonly latencyMs: number;
  /** The endpoint did not answer, or answered 5xx. */
  readonly failed: boolean;
}
