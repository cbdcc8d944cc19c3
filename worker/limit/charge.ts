// What one limit says to one request, and how several limits decide together.
import type { Limit } from "#contract/rate-limit.ts";
import type { LimitReport } from "#traffic/limit/rate-limit-headers.ts";
import type { LimitSubject } from "#traffic/limit/limit-subject.ts";
import type { Lifetime } from "../exchange.ts";
import type { LimitCounts } from "./limit-counters.ts";

/** The request as limits see it. */
export interface LimitedRequest extends LimitSubject {
  readonly lifetime: Lifetime;
}

export interface Charge extends LimitReport {
  readonly limit: Limit;
  /** False: in shadow mode, its refusal stops nobody. */
  readonly enforced: boolean;
  /** Decided while the limiter could not be reached. */
  readonly unchecked: boolean;
  /** Refused for no other reason than that. */
  readonly unavailable: boolean;
  /** The limit in RateLimit-Policy. */
  readonly policyField: string;
  /** Status of a refusal. Absent: 429. */
  readonly statusCode: number | undefined;
  readonly counts: LimitCounts;
  /** Gives back what was taken, once; only where something was. */
  readonly giveBack: (() => void) | undefined;
  /** Takes what a response with this status costs; only where requests themselves cost nothing. */
  readonly settle?: (status: number, nowMs: number) => void;
}

/** Charges a request to a limit, or to several at once; nothing where it does not count the request. Never rejects. */
export type Gate = (request: LimitedRequest, nowMs: number) => readonly Charge[] | Promise<readonly Charge[]>;

export function refuses({ allowed, enforced }: Charge): boolean {
  return enforced && !allowed;
}

/**
 * Charges a request to all gates in turn, until one refuses; then the others get back what they took. A promise only where
 * an object has to be asked.
 */
export function chargeAll(
  gates: readonly Gate[],
  request: LimitedRequest,
  nowMs: number,
  from = 0,
  before: readonly Charge[] = [],
): readonly Charge[] | Promise<readonly Charge[]> {
  let charges = before;
  for (let index = from; index < gates.length; index++) {
    const asked = gates[index]!(request, nowMs);
    if (asked instanceof Promise) {
      const taken = charges;
      return asked.then((answered) => {
        const all = [...taken, ...answered];
        return answered.some(refuses) ? refused(all) : chargeAll(gates, request, nowMs, index + 1, all);
      });
    }
    charges = charges.length === 0 ? asked : [...charges, ...asked];
    if (asked.some(refuses)) return refused(charges);
  }
  for (const charge of charges) count(charge);
  return charges;
}

function refused(charges: readonly Charge[]): readonly Charge[] {
  for (const charge of charges) {
    charge.giveBack?.();
    if (refuses(charge)) charge.counts.refused += 1;
  }
  return charges;
}

function count({ counts, allowed, unchecked }: Charge): void {
  if (allowed) counts.admitted += 1;
  else counts.shadowed += 1;
  if (unchecked) counts.unchecked += 1;
}
