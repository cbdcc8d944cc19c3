// Hedged requests (Dean and Barroso, "The Tail at Scale"): when the first copy of an idempotent request is slow, another goes
// to a different endpoint, and the first good answer wins. The machine says what to do next; the shell owns timers and fetches.
import type { HedgingPolicy } from "#contract/backend-policy.ts";
import { isIdempotent } from "./retry-policy.ts";

export interface HedgeState {
  readonly started: number;
  readonly running: number;
  /** Number of the copy whose answer the client gets; -1: none yet. */
  readonly winner: number;
}

export type HedgeEvent =
  /** `delayMs` passed since the last copy was sent. */
  | { readonly kind: "delay" }
  /** A copy answered. `good`: the client may have this answer (nothing that a retry would be made for). */
  | { readonly kind: "answer"; readonly copy: number; readonly good: boolean };

/** `send` another copy, `use` the answer of a copy and cancel the others, or `wait`. */
export type HedgeAction =
  | { readonly kind: "send"; readonly copy: number }
  | { readonly kind: "use"; readonly copy: number }
  | { readonly kind: "wait" };

const wait: HedgeAction = { kind: "wait" };

/** State after the first copy was sent. */
export const firstCopy: HedgeState = { started: 1, running: 1, winner: -1 };

/** Hedging is for requests that may be repeated and whose body is there in whole. */
export function mayHedge(request: { readonly method: string; readonly bodyReplayable: boolean }): boolean {
  return isIdempotent(request.method) && request.bodyReplayable;
}

/** `takeBudget` is asked only when another copy would be sent. */
export function stepHedge(
  policy: HedgingPolicy,
  state: HedgeState,
  event: HedgeEvent,
  takeBudget: () => boolean,
): [HedgeState, HedgeAction] {
  if (state.winner >= 0) return [state, wait];
  if (event.kind === "delay") return another(policy, state, takeBudget) ?? [state, wait];

  const after: HedgeState = { ...state, running: state.running - 1 };
  if (event.good)
    return [
      { ...after, winner: event.copy },
      { kind: "use", copy: event.copy },
    ];
  // A bad answer is no reason to give up while other copies run; the last one is what the client gets.
  if (after.running > 0) return [after, wait];
  return [
    { ...after, winner: event.copy },
    { kind: "use", copy: event.copy },
  ];
}

function another(
  policy: HedgingPolicy,
  state: HedgeState,
  takeBudget: () => boolean,
): [HedgeState, HedgeAction] | undefined {
  if (state.running === 0 || state.started >= policy.maxAttempts || !takeBudget()) return undefined;
  const next: HedgeState = { ...state, started: state.started + 1, running: state.running + 1 };
  return [next, { kind: "send", copy: state.started }];
}
