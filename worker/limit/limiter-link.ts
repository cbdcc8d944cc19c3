// An isolate's line to one RateLimiter object. One call is under way at a time; whatever is to be asked meanwhile goes
// together in the next one, so the number of calls does not grow with the number of requests or keys.
//
// A platform fact shapes this: what is done for a request may end with it. So each ticket is delivered by the request that
// has it (`deliver`, kept alive by `waitUntil` where nobody waits), and nothing waits for others without a time limit.
import type { LimiterAnswer, LimiterCall } from "#contract/limiter-call.ts";
import { limits } from "#contract/limits.ts";
import { outagePauseMs } from "#traffic/limit/lease-holder.ts";
import type { Lifetime } from "../exchange.ts";
import { withTimeLimit } from "../time-limit.ts";
import { CallDraft, type TakeAnswer } from "./call-draft.ts";
import type { Ticket } from "./ticket.ts";

export interface LimiterLinkInputs {
  /** Id of the isolate. */
  readonly holder: string;
  readonly nowMs: () => number;
  /** Rejects when the object does not answer within `limits.limiterCallMs`. */
  readonly call: (call: LimiterCall) => Promise<LimiterAnswer>;
  readonly log: (event: string, fields: Record<string, unknown>) => void;
}

/** A call without an end after this long is given up: the request that it belonged to may have been cancelled. */
const abandonMs = 2_000;

export class LimiterLink {
  /** Isolates that use the object, as it said last. */
  holders = 1;
  readonly #inputs: LimiterLinkInputs;
  #queue: Ticket[] = [];
  #call: Promise<void> | undefined;
  #sentMs = -Infinity;
  /** After a failure, until an empty call succeeds: no request waits for an object that may hang. */
  #isDown = false;
  #probeMs = -Infinity;

  constructor(inputs: LimiterLinkInputs) {
    this.#inputs = inputs;
  }

  /** Resolves when the ticket is settled, which it is at the latest after `patienceMs`; never rejects. */
  async deliver(
    ticket: Ticket,
    lifetime: Lifetime,
    patienceMs: number = limits.limiterWaitMs,
  ): Promise<void> {
    const deadlineMs = this.#inputs.nowMs() + patienceMs;
    if (this.#queue.length >= limits.asksPerLimiter) return ticket.abandon();
    this.#queue.push(ticket);
    while (!ticket.settled) {
      const nowMs = this.#inputs.nowMs();
      if (this.#isDown) {
        this.#abandonAll();
        if (nowMs >= this.#probeMs) this.#send(lifetime, nowMs);
      } else if (nowMs >= deadlineMs) ticket.abandon();
      else if (!this.#call || nowMs - this.#sentMs >= abandonMs) this.#send(lifetime, nowMs);
      else await withTimeLimit(this.#call, deadlineMs - nowMs, () => undefined);
    }
  }

  #abandonAll(): void {
    for (const ticket of this.#queue.splice(0)) ticket.abandon();
  }

  /** Takes along all that waits, as far as one call can carry it. */
  #send(lifetime: Lifetime, nowMs: number): void {
    const draft = new CallDraft(this.#inputs.holder);
    const settlers = this.#queue
      .splice(0, limits.asksPerLimiterCall)
      .filter((ticket) => !ticket.settled)
      .map((ticket) => ticket.addTo(draft));
    const call = this.#exchange(draft.call, settlers).finally(() => {
      if (this.#call === call) this.#call = undefined;
    });
    this.#call = call;
    this.#sentMs = nowMs;
    this.#probeMs = nowMs + outagePauseMs;
    lifetime.waitUntil(call);
  }

  /** Never rejects. */
  async #exchange(call: LimiterCall, settlers: readonly TakeAnswer[]): Promise<void> {
    let answer: LimiterAnswer | undefined;
    try {
      answer = await this.#inputs.call(call);
      this.holders = answer.holders;
      this.#isDown = false;
    } catch (error) {
      this.#isDown = true;
      this.#inputs.log("rate_limiter_unavailable", { reason: String(error) });
    }
    for (const settle of settlers) settle(answer);
  }
}
