// Fixed windows, and the sliding window counter that weighs the window before by how much of it is still in sight.
import type { Limit } from "#contract/rate-limit.ts";
import type { Verdict } from "./verdict.ts";

export interface WindowState {
  /** Start of the current window, a multiple of its length. */
  readonly startMs: number;
  readonly used: number;
  /** Units of the window before. */
  readonly previous: number;
}

/** At most `requests` units per window; twice that within any span of one window, as with every fixed window. */
export function spendFixed(
  limit: Limit,
  state: WindowState | undefined,
  cost: number,
  nowMs: number,
): Verdict<WindowState> {
  const current = roll(limit.windowMs, state, nowMs);
  const untilEndMs = current.startMs + limit.windowMs - nowMs;
  const allowed = current.used + cost <= limit.requests;
  const used = allowed ? current.used + cost : current.used;
  return {
    allowed,
    state: { ...current, used },
    remaining: limit.requests - used,
    retryAfterMs: allowed ? 0 : cost > limit.requests ? Infinity : untilEndMs,
    resetAfterMs: used === 0 ? 0 : untilEndMs,
  };
}

/** The estimate assumes that the window before was used evenly; then at most `requests` units fall into any window. */
export function spendSliding(
  limit: Limit,
  state: WindowState | undefined,
  cost: number,
  nowMs: number,
): Verdict<WindowState> {
  const { requests, windowMs } = limit;
  const current = roll(limit.windowMs, state, nowMs);
  const elapsedMs = nowMs - current.startMs;
  const weighed = current.previous * (1 - elapsedMs / windowMs);
  const allowed = weighed + current.used + cost <= requests;
  const used = allowed ? current.used + cost : current.used;
  const after = { ...current, used };
  return {
    allowed,
    state: after,
    remaining: Math.max(0, Math.floor(requests - weighed - used)),
    retryAfterMs: allowed ? 0 : slidingRetryMs(limit, current, cost, elapsedMs),
    resetAfterMs: used > 0 ? 2 * windowMs - elapsedMs : current.previous > 0 ? windowMs - elapsedMs : 0,
  };
}

/** One more, whether it is allowed or not, and how many it makes in the window that ends now. */
export function countSliding(
  windowMs: number,
  before: WindowState | undefined,
  nowMs: number,
): { readonly state: WindowState; readonly count: number } {
  const current = roll(windowMs, before, nowMs);
  const state = { ...current, used: current.used + 1 };
  return { state, count: state.used + state.previous * (1 - (nowMs - state.startMs) / windowMs) };
}

function slidingRetryMs(limit: Limit, state: WindowState, cost: number, elapsedMs: number): number {
  const { requests, windowMs } = limit;
  if (cost > requests) return Infinity;
  // Within this window the part of the one before shrinks …
  const room = requests - state.used - cost;
  if (room >= 0) return windowMs * (1 - room / state.previous) - elapsedMs;
  // … and in the next one this window's units do.
  return windowMs - elapsedMs + Math.max(0, windowMs * (1 - (requests - cost) / state.used));
}

/** The window `nowMs` falls into. A clock that goes back stays in the window it had reached. */
function roll(windowMs: number, state: WindowState | undefined, nowMs: number): WindowState {
  const startMs = Math.floor(nowMs / windowMs) * windowMs;
  if (state === undefined) return { startMs, used: 0, previous: 0 };
  if (startMs <= state.startMs) return state;
  return { startMs, used: 0, previous: startMs - state.startMs === windowMs ? state.used : 0 };
}
