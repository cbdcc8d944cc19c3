// What an isolate has to ask a RateLimiter, or to tell it. A ticket is settled once: by the answer, or without one.
import type { LimiterAnswer, SpendReply } from "#contract/limiter-call.ts";
import type { LeaseAsk, LeaseReply, Limit } from "#contract/rate-limit.ts";
import type { CallDraft, TakeAnswer } from "./call-draft.ts";

export abstract class Ticket {
  /** Part of a call, under way or ended. */
  sent = false;
  #settled = false;

  get settled(): boolean {
    return this.#settled;
  }

  /** An answer that comes when it was settled without is ignored: units it grants lapse. */
  settle(answer: LimiterAnswer | undefined, take: TakeAnswer): void {
    if (this.#settled) return;
    this.#settled = true;
    take(answer);
  }

  /** Settles without an answer. */
  abstract abandon(): void;
  /** Writes itself into a call; what is returned settles it. */
  abstract addTo(draft: CallDraft): TakeAnswer;
}

/** Units of one key, to be spent by the isolate. */
export class LeaseTicket extends Ticket {
  readonly #key: string;
  readonly #limit: Limit;
  readonly #ask: LeaseAsk;
  readonly #take: (reply: LeaseReply | undefined) => void;

  constructor(key: string, limit: Limit, ask: LeaseAsk, take: (reply: LeaseReply | undefined) => void) {
    super();
    this.#key = key;
    this.#limit = limit;
    this.#ask = ask;
    this.#take = take;
  }

  override abandon(): void {
    this.settle(undefined, () => this.#take(undefined));
  }

  override addTo(draft: CallDraft): TakeAnswer {
    const { wanted, least } = this.#ask;
    const index =
      draft.call.leases.push({ key: this.#key, limit: draft.indexOf(this.#limit), wanted, least }) - 1;
    return (answer) => this.settle(answer, () => this.#take(answer?.leases[index]));
  }
}

export interface SpendItem {
  readonly key: string;
  readonly limit: Limit;
  readonly cost: number;
  /** False: its refusal stops nobody (shadow mode). */
  readonly enforced: boolean;
}

/** One request that asks for itself. */
export class SpendTicket extends Ticket {
  readonly items: readonly SpendItem[];
  /** In the order of the items; `undefined` while there is no answer. */
  replies: readonly SpendReply[] | undefined = undefined;
  /** The object's clock at the answer. */
  atMs = 0;

  constructor(items: readonly SpendItem[]) {
    super();
    this.items = items;
  }

  override abandon(): void {
    this.settle(undefined, () => undefined);
  }

  override addTo(draft: CallDraft): TakeAnswer {
    const items = this.items.map(({ key, limit, cost, enforced }) => ({
      key,
      limit: draft.indexOf(limit),
      cost,
      enforced,
    }));
    const index = draft.call.spends.push(items) - 1;
    return (answer) =>
      this.settle(answer, () => {
        this.replies = answer?.spends[index];
        this.atMs = answer?.nowMs ?? 0;
      });
  }
}

/** Units that go back, because another limit refused the request. */
export class ReturnTicket extends Ticket {
  readonly #item: SpendItem;
  readonly #spentMs: number;

  constructor(item: SpendItem, spentMs: number) {
    super();
    this.#item = item;
    this.#spentMs = spentMs;
  }

  override abandon(): void {
    this.settle(undefined, () => undefined);
  }

  override addTo(draft: CallDraft): TakeAnswer {
    const { key, limit, cost } = this.#item;
    draft.call.returns.push({ key, limit: draft.indexOf(limit), units: cost, spentMs: this.#spentMs });
    return (answer) => this.settle(answer, () => undefined);
  }
}
