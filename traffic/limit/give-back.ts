// Takes a spending back: the request that it was for was refused by another limit.
import type { Limit } from "#contract/rate-limit.ts";
import type { LimitState } from "./spend.ts";

/** Units spent at `spentMs` return; those of a window that has ended since are gone with it. */
export function giveBack(limit: Limit, state: LimitState, units: number, spentMs: number): LimitState {
  if ("tatMs" in state) return { tatMs: state.tatMs - (units * limit.windowMs) / limit.requests };
  return spentMs < state.startMs ? state : { ...state, used: Math.max(0, state.used - units) };
}
