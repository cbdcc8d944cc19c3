// The isolate's side of a leased limit, for one key: admits requests from the leases it has, says when to ask for more, and
// goes on as declared while the limiter cannot be reached.
//
// After `admit` the shell calls `nextAsk`; when that gives an ask it sends it (one at a time, off the request's path) and
// hands in what came of it by `answered` or `failed`. A request that got "wait" waits for that and calls `admit` again.
import type { LeaseAsk, LeaseReply, Limit, RateLimit } from "#contract/rate-limit.ts";
import { fairShare } from "./fair-share.ts";
import type { GcraState } from "./gcra.ts";
import { spendGcra } from "./gcra.ts";
import { leaseTerms, prefetchPart } from "./lease-terms.ts";
import type { LeaseTerms } from "./lease-terms.ts";
import { capacity } from "./spend.ts";
import type { Verdict } from "./verdict.ts";

export type Admission = "admitted" | "denied" | "wait";

interface Lease {
  units: number;
  readonly granted: number;
  readonly expiresMs: number;
}

/** Pause before the limiter is asked again after a failure. */
export const outagePauseMs = 1_000;
/** An ask without an answer after this long is lost: the request that carried it was cancelled. */
export const askLostMs = 2_000;
/** As many as an isolate has of one key, unless more of them have units left. */
const maxLeases = 4;
/** A lease is to last this part of its validity, so that little expires unused. */
const plannedPart = 0.9;

export class LeaseHolder {
  private readonly name: string;
  private readonly limit: Limit;
  private readonly terms: LeaseTerms;
  private readonly onUnavailable: RateLimit["onUnavailable"];
  /** Oldest first. Used up ones stay a while, so that units can be given back to them. */
  private leases: Lease[] = [];
  private askedAtMs: number | undefined;
  /** Nothing more is to be had before. */
  private againMs = 0;
  private outage = false;
  private holders = 1;
  private outageState: GcraState | undefined;
  /** Units wanted since `demandSinceMs`, admitted or not. */
  private demand = 0;
  private demandSinceMs: number | undefined;
  private largestCost = 0;
  /** What the limiter had left when it last granted, and when it will have all again. */
  private elsewhere = { units: 0, fullAtMs: 0 };

  constructor(name: string, limit: Limit, onUnavailable: RateLimit["onUnavailable"]) {
    this.name = name;
    this.limit = limit;
    this.terms = leaseTerms(limit);
    this.onUnavailable = onUnavailable;
  }

  /** Decides on a request. `again`: it waited for an answer already, so that it does not count as demand twice. */
  admit(cost: number, nowMs: number, again = false): Admission {
    if (!again) this.demand += cost;
    this.demandSinceMs ??= nowMs;
    this.largestCost = Math.max(this.largestCost, cost);
    if (this.take(cost, nowMs)) return "admitted";
    if (this.outage) return this.admitUnchecked(cost, nowMs);
    if (nowMs < this.againMs) return "denied";
    // What it waited for was not enough for it, so it is still wanted.
    if (again) this.demand += cost;
    return "wait";
  }

  /** Whether the last ask was in vain. */
  get unreachable(): boolean {
    return this.outage;
  }

  /**
   * Gives back what an admitted request took, when another limit refused it; as far as the leases at hand have room, since no
   * unit may outlive the lease that it came with.
   */
  giveBack(cost: number): void {
    let rest = cost;
    for (const lease of this.leases.toReversed()) {
      const back = Math.min(rest, lease.granted - lease.units);
      lease.units += back;
      rest -= back;
    }
  }

  /** What to ask the limiter now, if anything. Until the answer nothing more is asked. */
  nextAsk(nowMs: number): LeaseAsk | undefined {
    const asking = this.askedAtMs !== undefined && nowMs - this.askedAtMs < askLostMs;
    if (asking || nowMs < this.againMs || this.demand === 0) return undefined;
    const left = this.remaining(nowMs);
    const granted = this.leases.at(-1)?.granted ?? 0;
    if (left > 0 && left >= this.largestCost && left > granted * prefetchPart) return undefined;
    const ask = { holder: this.name, wanted: this.wanted(nowMs), least: Math.max(1, this.largestCost) };
    this.askedAtMs = nowMs;
    this.demand = 0;
    this.demandSinceMs = nowMs;
    this.largestCost = 0;
    return ask;
  }

  answered(reply: LeaseReply, nowMs: number): void {
    const askedAtMs = this.askedAtMs ?? nowMs;
    this.askedAtMs = undefined;
    this.outage = false;
    this.holders = reply.holders;
    this.againMs = nowMs + reply.againAfterMs;
    this.elsewhere = { units: reply.remaining ?? 0, fullAtMs: nowMs + (reply.resetAfterMs ?? 0) };
    this.dropExpired(nowMs);
    if (reply.granted > 0) {
      const expiresMs = askedAtMs + reply.validMs;
      this.leases.push({ units: reply.granted, granted: reply.granted, expiresMs });
    }
  }

  /** The limiter did not answer. Leases that are left are still good; then the declared behaviour holds. */
  failed(nowMs: number): void {
    this.askedAtMs = undefined;
    this.outage = true;
    this.againMs = nowMs + outagePauseMs;
  }

  /** Units at hand. */
  remaining(nowMs: number): number {
    this.dropExpired(nowMs);
    return this.leases.reduce((sum, { units }) => sum + units, 0);
  }

  /**
   * For the RateLimit and Retry-After headers. What other isolates have taken since the limiter last answered is not known
   * here, so an admitted request is told an estimate.
   */
  report(
    allowed: boolean,
    nowMs: number,
  ): Pick<Verdict<never>, "remaining" | "retryAfterMs" | "resetAfterMs"> {
    const here = this.remaining(nowMs);
    return {
      remaining: allowed ? Math.min(here + this.elsewhere.units, capacity(this.limit)) : here,
      retryAfterMs: allowed ? 0 : Math.max(0, this.againMs - nowMs),
      resetAfterMs: Math.max(0, this.elsewhere.fullAtMs - nowMs),
    };
  }

  private take(cost: number, nowMs: number): boolean {
    if (this.remaining(nowMs) < cost) return false;
    let rest = cost;
    for (const lease of this.leases) {
      const taken = Math.min(rest, lease.units);
      lease.units -= taken;
      rest -= taken;
    }
    while (this.leases.length > maxLeases && this.leases[0]!.units === 0) this.leases.shift();
    return true;
  }

  /** Decides as declared for the case that the limiter does not answer, or not in time for this request. */
  admitUnchecked(cost: number, nowMs: number): Exclude<Admission, "wait"> {
    if (this.onUnavailable !== "local") return this.onUnavailable === "allow" ? "admitted" : "denied";
    const verdict = spendGcra(fairShare(this.limit, this.holders), this.outageState, cost, nowMs);
    this.outageState = verdict.state;
    return verdict.allowed ? "admitted" : "denied";
  }

  /** Units for the planned part of a lease's validity at the present demand. */
  private wanted(nowMs: number): number {
    const spanMs = nowMs - (this.demandSinceMs ?? nowMs);
    // The first ask, or a burst within one millisecond: nothing to measure by.
    const units =
      spanMs < 1
        ? this.terms.firstUnits
        : Math.ceil((this.demand / spanMs) * this.terms.leaseMs * plannedPart);
    return Math.max(this.largestCost, Math.min(units, this.terms.unitsPerLease));
  }

  private dropExpired(nowMs: number): void {
    while (this.leases.length > 0 && this.leases[0]!.expiresMs <= nowMs) this.leases.shift();
  }
}
