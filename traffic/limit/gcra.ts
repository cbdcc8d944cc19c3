// Token bucket as the generic cell rate algorithm (ITU-T I.371): one number of state, the theoretical arrival time.
// In any span of t ms at most burst + t × requests / windowMs units are spent.
import type { Limit } from "#contract/rate-limit.ts";
import type { Verdict } from "./verdict.ts";

export interface GcraState {
  /** When the bucket will be full again. */
  readonly tatMs: number;
}

/** Rounding of many small additions must not cost a unit. */
const epsilon = 1e-6;

export function spendGcra(
  limit: Limit,
  state: GcraState | undefined,
  cost: number,
  nowMs: number,
): Verdict<GcraState> {
  const unitMs = limit.windowMs / limit.requests;
  const burst = limit.burst ?? limit.requests;
  const toleranceMs = unitMs * burst;
  const tatMs = Math.max(state?.tatMs ?? nowMs, nowMs);
  const nextMs = tatMs + cost * unitMs;
  const allowed = nextMs - nowMs <= toleranceMs + epsilon;
  const keptMs = allowed ? nextMs : tatMs;
  return {
    allowed,
    state: { tatMs: keptMs },
    remaining: Math.max(0, Math.floor((toleranceMs - (keptMs - nowMs)) / unitMs + epsilon)),
    retryAfterMs: allowed ? 0 : cost > burst ? Infinity : nextMs - toleranceMs - nowMs,
    resetAfterMs: keptMs - nowMs,
  };
}
