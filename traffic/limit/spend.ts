// Spends units of a limit, whichever its algorithm. Nothing is spent until the caller keeps the new state, so several limits
// can be asked first and charged only when all of them allow the request.
import type { Limit } from "#contract/rate-limit.ts";
import type { GcraState } from "./gcra.ts";
import { spendGcra } from "./gcra.ts";
import type { Verdict } from "./verdict.ts";
import type { WindowState } from "./window.ts";
import { spendFixed, spendSliding } from "./window.ts";

/** Plain data. A state of another algorithm (the configuration changed) counts as none. */
export type LimitState = GcraState | WindowState;

export function spend(
  limit: Limit,
  state: LimitState | undefined,
  cost: number,
  nowMs: number,
): Verdict<LimitState> {
  const bucket = state !== undefined && "tatMs" in state ? state : undefined;
  const window = state !== undefined && "startMs" in state ? state : undefined;
  switch (limit.algorithm) {
    case "TokenBucket":
      return spendGcra(limit, bucket, cost, nowMs);
    case "FixedWindow":
      return spendFixed(limit, window, cost, nowMs);
    case "SlidingWindow":
      return spendSliding(limit, window, cost, nowMs);
  }
}

/** Units that can be spent in one go at most. */
export function capacity(limit: Limit): number {
  return limit.algorithm === "TokenBucket" ? (limit.burst ?? limit.requests) : limit.requests;
}
