// One key of a leased limit in this isolate: spends from its leases at once, and has new ones fetched off the requests'
// path. Only a key without any unit makes a request wait: at its first use, and when demand outruns the leases.
import { limits } from "#contract/limits.ts";
import type { LeaseReply, Limit, RateLimit } from "#contract/rate-limit.ts";
import { askLostMs, LeaseHolder } from "#traffic/limit/lease-holder.ts";
import type { Lifetime } from "../exchange.ts";
import { withTimeLimit } from "../time-limit.ts";
import type { LimiterLink } from "./limiter-link.ts";
import { LeaseTicket } from "./ticket.ts";

export interface LeasedKeyInputs {
  /** As the limiter counts it. */
  readonly key: string;
  readonly limit: Limit;
  readonly onUnavailable: RateLimit["onUnavailable"];
  /** Id of the isolate. */
  readonly holder: string;
  readonly link: LimiterLink;
  readonly nowMs: () => number;
}

export interface Decision {
  readonly allowed: boolean;
  /** Made while the limiter could not be reached. */
  readonly unchecked: boolean;
}

export class LeasedKey {
  readonly limit: Limit;
  readonly onUnavailable: RateLimit["onUnavailable"];
  readonly holder: LeaseHolder;
  readonly #inputs: LeasedKeyInputs;
  #ticket: LeaseTicket | undefined;
  #delivery: Promise<void> = Promise.resolve();

  constructor(inputs: LeasedKeyInputs) {
    this.#inputs = inputs;
    this.limit = inputs.limit;
    this.onUnavailable = inputs.onUnavailable;
    this.holder = new LeaseHolder(inputs.holder, inputs.limit, inputs.onUnavailable);
  }

  admit(cost: number, lifetime: Lifetime, nowMs: number): Decision | Promise<Decision> {
    const admission = this.holder.admit(cost, nowMs);
    this.#askIfDue(lifetime, nowMs);
    if (admission !== "wait") return this.#decision(admission);
    return this.#inputs.link.isDown ? this.#unchecked(cost, nowMs) : this.#wait(cost, lifetime, nowMs);
  }

  #askIfDue(lifetime: Lifetime, nowMs: number): void {
    const ask = this.holder.nextAsk(nowMs);
    if (!ask) return;
    const { key, limit, link } = this.#inputs;
    const ticket = new LeaseTicket(key, limit, ask, (reply) => this.#answered(ticket, reply));
    this.#ticket = ticket;
    this.#delivery = link.deliver(ticket, lifetime, askLostMs);
    lifetime.waitUntil(this.#delivery);
  }

  /** An answer to anything but the last ask comes too late: its units were granted for a time that is counted otherwise. */
  #answered(ticket: LeaseTicket, reply: LeaseReply | undefined): void {
    if (ticket !== this.#ticket) return;
    this.#ticket = undefined;
    const nowMs = this.#inputs.nowMs();
    if (reply) this.holder.answered(reply, nowMs);
    else this.holder.failed(nowMs);
  }

  async #wait(cost: number, lifetime: Lifetime, sinceMs: number): Promise<Decision> {
    for (;;) {
      await withTimeLimit(this.#delivery, limits.limiterWaitMs, () => undefined);
      const nowMs = this.#inputs.nowMs();
      const admission = this.holder.admit(cost, nowMs, true);
      if (admission !== "wait") return this.#decision(admission);
      const waitedLong = nowMs - sinceMs >= limits.limiterWaitMs;
      if (waitedLong || this.#inputs.link.isDown) return this.#unchecked(cost, nowMs);
      this.#askIfDue(lifetime, nowMs);
    }
  }

  #decision(admission: "admitted" | "denied"): Decision {
    return { allowed: admission === "admitted", unchecked: this.holder.unreachable };
  }

  #unchecked(cost: number, nowMs: number): Decision {
    return { allowed: this.holder.admitUnchecked(cost, nowMs) === "admitted", unchecked: true };
  }
}
