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

interface CallUnderWay {
  readonly sentMs: number;
  /** Never rejects. */
  readonly ended: Promise<void>;
}

/** A call without an end after this long has failed: the request that it belonged to was cancelled, and it with it. */
const abandonMs = 2_000;

export class LimiterLink {
  /** Isolates that use the object, as it said last. */
  holders = 1;
  readonly #inputs: LimiterLinkInputs;
  #queue: Ticket[] = [];
  #call: CallUnderWay | undefined;
  /** The last call got no answer. Until an empty call does, nothing else is sent. */
  #failed = false;
  #probeMs = -Infinity;

  constructor(inputs: LimiterLinkInputs) {
    this.#inputs = inputs;
  }

  /** No request waits for an object that has let one wait in vain. */
  get isDown(): boolean {
    const nowMs = this.#inputs.nowMs();
    const call = this.#callUnderWay(nowMs);
    return this.#failed || (call !== undefined && nowMs - call.sentMs >= limits.limiterWaitMs);
  }

  /** Resolves when the ticket is settled, which it is at the latest after `patienceMs`; never rejects. */
  async deliver(
    ticket: Ticket,
    lifetime: Lifetime,
    patienceMs: number = limits.limiterWaitMs,
  ): Promise<void> {
    if (this.#queue.length >= limits.asksPerLimiter) return ticket.abandon();
    this.#queue.push(ticket);
    const deadlineMs = this.#inputs.nowMs() + patienceMs;
    while (!ticket.settled) {
      const nowMs = this.#inputs.nowMs();
      const call = this.#callUnderWay(nowMs);
      if (!ticket.sent && this.isDown) this.#goWithout(call, lifetime, nowMs);
      else if (nowMs >= deadlineMs) ticket.abandon();
      else if (!call) this.#send(lifetime, nowMs);
      else {
        const silentMs = ticket.sent ? Infinity : call.sentMs + limits.limiterWaitMs;
        await withTimeLimit(call.ended, Math.min(deadlineMs, silentMs) - nowMs, () => undefined);
      }
    }
  }

  #callUnderWay(nowMs: number): CallUnderWay | undefined {
    if (this.#call && nowMs - this.#call.sentMs >= abandonMs) {
      this.#call = undefined;
      this.#failed = true;
    }
    return this.#call;
  }

  /** Settles whatever has not been sent. Once in a while the object is asked whether it is there again, by an empty call. */
  #goWithout(call: CallUnderWay | undefined, lifetime: Lifetime, nowMs: number): void {
    for (const ticket of this.#queue.splice(0)) ticket.abandon();
    if (!call && nowMs >= this.#probeMs) this.#send(lifetime, nowMs);
  }

  /** Takes along all that waits, as far as one call can carry it. */
  #send(lifetime: Lifetime, nowMs: number): void {
    const draft = new CallDraft(this.#inputs.holder);
    const tickets = this.#queue.splice(0, limits.asksPerLimiterCall).filter(({ settled }) => !settled);
    const settlers = tickets.map((ticket) => ticket.addTo(draft));
    for (const ticket of tickets) ticket.sent = true;
    const ended = this.#exchange(draft.call, settlers).finally(() => {
      if (this.#call === call) this.#call = undefined;
    });
    const call = { sentMs: nowMs, ended };
    this.#call = call;
    this.#probeMs = nowMs + outagePauseMs;
    lifetime.waitUntil(ended);
  }

  /** Never rejects. */
  async #exchange(call: LimiterCall, settlers: readonly TakeAnswer[]): Promise<void> {
    let answer: LimiterAnswer | undefined;
    try {
      answer = await this.#inputs.call(call);
      this.holders = answer.holders;
      this.#failed = false;
    } catch (error) {
      this.#failed = true;
      this.#inputs.log("rate_limiter_unavailable", { reason: String(error) });
    }
    for (const settle of settlers) settle(answer);
  }
}
