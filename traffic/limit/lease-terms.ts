// How large and how long leases of a limit are, and what that costs in accuracy.
//
// A lease is prepaid: the limiter spends its units from the one true state when it grants them, so the long-term rate is
// exact for any number of holders. What can go wrong is only time: units granted now may be used later, while the limiter
// already grants new ones. So in any span of time a token bucket admits at most
//
//     burst + rate × span + overshoot,   overshoot = min(rate × leaseMs, holders × 1.25 × unitsPerLease)
//
// (a holder asks for its next lease when a quarter of the last is left). A fixed window has no overshoot: its leases end
// with the window. Measured from the asking, a lease never outlives what the limiter counts on, however slow the network.
//
// A key at 1,000 requests/s costs between 0.001 (1 holder, far below its limit) and 0.019 calls per admitted request (32
// holders, at its limit, the start included); lease.test.ts holds it to 0.02.
import type { Limit } from "#contract/rate-limit.ts";
import { capacity } from "./spend.ts";

export interface LeaseTerms {
  readonly unitsPerLease: number;
  readonly leaseMs: number;
  /** First lease of a holder whose demand is not known yet. */
  readonly firstUnits: number;
}

const leastUnits = 80;
/** A holder that uses a key heavily asks no more than ten times a second. */
const heavyLeaseMs = 100;
const longestLeaseMs = 4_000;
/** The first lease of a holder is its share of the capacity among this many. */
const assumedHolders = 32;
/** A holder asks for its next lease when this part of the last one is left. */
export const prefetchPart = 0.25;

export function leaseTerms(limit: Limit): LeaseTerms {
  const wanted = Math.max(leastUnits, Math.ceil(ratePerMs(limit) * heavyLeaseMs));
  const first = Math.min(Math.floor(capacity(limit) / assumedHolders), leastUnits);
  return {
    unitsPerLease: Math.min(wanted, capacity(limit)),
    leaseMs: Math.min(longestLeaseMs, limit.algorithm === "FixedWindow" ? limit.windowMs : Infinity),
    firstUnits: Math.max(1, first),
  };
}

/**
 * What one of so many holders is granted at most, so that the first to ask does not leave the others without, nor much of a
 * small quota lapses with a lease: its part of what comes in during a lease, or of a sixteenth of what there is.
 */
export function fairUnits(limit: Limit, holders: number, available: number): number {
  const incoming = Math.ceil((ratePerMs(limit) * leaseTerms(limit).leaseMs) / holders);
  return Math.max(incoming, Math.floor(available / (16 * holders)));
}

export function ratePerMs(limit: Limit): number {
  return limit.requests / limit.windowMs;
}

/** Units that may be admitted in any span of time beyond what the algorithm itself admits; no request costs more than a lease. */
export function overshootBound(limit: Limit, holders: number): number {
  if (limit.algorithm === "FixedWindow") return 0;
  const { unitsPerLease, leaseMs } = leaseTerms(limit);
  const byTime = limit.algorithm === "TokenBucket" ? ratePerMs(limit) * leaseMs : Infinity;
  return Math.min(byTime, holders * (1 + prefetchPart) * unitsPerLease);
}
