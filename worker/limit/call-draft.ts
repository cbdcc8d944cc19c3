// Puts together one call to a RateLimiter: limits are written once, however many keys have them.
import type { LimiterAnswer, LimiterCall } from "#contract/limiter-call.ts";
import type { Limit } from "#contract/rate-limit.ts";

/** Takes the answer to what was added; `undefined`: there is none. */
export type TakeAnswer = (answer: LimiterAnswer | undefined) => void;

export class CallDraft {
  readonly call: LimiterCall;
  readonly #indexes = new Map<Limit, number>();

  constructor(holder: string) {
    this.call = { holder, limits: [], leases: [], spends: [], returns: [] };
  }

  indexOf(limit: Limit): number {
    const known = this.#indexes.get(limit);
    if (known !== undefined) return known;
    const index = this.call.limits.push(limit) - 1;
    this.#indexes.set(limit, index);
    return index;
  }
}
