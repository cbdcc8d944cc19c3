// The limiter's side of a leased limit: spends the units it grants, and paces holders when there is not enough for all.
import type { LeaseAsk, LeaseReply, Limit } from "#contract/rate-limit.ts";
import { fairUnits, leaseTerms, ratePerMs } from "./lease-terms.ts";
import type { LimitState } from "./spend.ts";
import { spend } from "./spend.ts";

/** State of one key; plain data. */
export interface GrantorState {
  readonly limit: LimitState | undefined;
  /** When each holder last asked. */
  readonly holders: Readonly<Record<string, number>>;
  /** Until when the units to come are promised, while there are too few for all. */
  readonly promisedMs: number;
}

export const noGrants: GrantorState = { limit: undefined, holders: {}, promisedMs: 0 };

/** A holder that has not asked for this long has no part any more. */
const holderForgottenMs = 10_000;
const maxHolders = 256;

export function grantLease(
  limit: Limit,
  state: GrantorState,
  ask: LeaseAsk,
  nowMs: number,
): [GrantorState, LeaseReply] {
  const holders = activeHolders(state.holders, ask.holder, nowMs);
  const count = Object.keys(holders).length;
  const terms = leaseTerms(limit);
  const available = spend(limit, state.limit, 0, nowMs).remaining;
  const fair = Math.min(ask.wanted, terms.unitsPerLease, fairUnits(limit, count, available));
  const wanted = Math.max(ask.least, fair);
  const granted = available >= ask.least ? Math.min(wanted, available) : 0;
  const spent = spend(limit, state.limit, granted, nowMs);

  // A fixed window's units end with it; those of the other algorithms with the lease.
  const validMs = Math.min(terms.leaseMs, untilWindowEndMs(limit, nowMs));
  const { remaining, resetAfterMs } = spent;
  const reply = { granted, validMs, againAfterMs: 0, holders: count, remaining, resetAfterMs };
  if (granted >= wanted && state.promisedMs <= nowMs) {
    return [{ limit: spent.state, holders, promisedMs: state.promisedMs }, reply];
  }

  // Scarce: holders take turns, each coming back when the units it wants will have come in. Without turns they would all
  // ask at once, most of them in vain, and units would lapse in between. Turns go on until nobody takes his.
  const { retryAfterMs } = spend(limit, spent.state, Math.max(1, ask.least), nowMs);
  // A cost above the capacity is never to be had; asking once per lease is then enough.
  const waitMs = granted >= wanted ? 0 : Number.isFinite(retryAfterMs) ? retryAfterMs : validMs;
  const promisedMs = Math.max(nowMs, state.promisedMs) + wanted / ratePerMs(limit);
  const longestMs = Math.max(validMs, waitMs);
  const againAfterMs = Math.min(Math.max(waitMs, promisedMs - nowMs), longestMs);
  return [
    { limit: spent.state, holders, promisedMs: Math.min(promisedMs, nowMs + longestMs) },
    { ...reply, againAfterMs },
  ];
}

function untilWindowEndMs(limit: Limit, nowMs: number): number {
  return limit.algorithm === "FixedWindow" ? limit.windowMs - (nowMs % limit.windowMs) : Infinity;
}

function activeHolders(
  before: Readonly<Record<string, number>>,
  holder: string,
  nowMs: number,
): Record<string, number> {
  const active = Object.entries(before).filter(
    ([name, atMs]) => name !== holder && nowMs - atMs < holderForgottenMs,
  );
  return Object.fromEntries([...active.slice(1 - maxHolders), [holder, nowMs]]);
}
