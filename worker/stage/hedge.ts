// Backend stage: hedging. A slow idempotent request is sent again, to another endpoint; the first good answer is the
// client's, the other copies are cancelled. What to do next is decided in traffic/retry/hedging.ts.
import type { HedgingPolicy } from "#contract/backend-policy.ts";
import { firstCopy, type HedgeEvent, mayHedge, stepHedge } from "#traffic/retry/hedging.ts";
import type { Exchange } from "../exchange.ts";
import type { BackendLoad } from "../plan/backend-load.ts";
import type { BackendScope, Handler, Stage } from "./stage.ts";

export const hedge: Stage<BackendScope> = ({ backend }, next) => {
  const policy = backend.backend.hedging;
  if (!policy || backend.endpoints.length < 2) return next;
  const { load } = backend;
  return (exchange) => {
    const { method, request } = exchange;
    const bodyReplayable = !(exchange.body instanceof ReadableStream);
    if (!mayHedge({ method, bodyReplayable }) || request.headers.has("upgrade")) return next(exchange);
    load.hedgeBudget.request(Date.now());
    return new Race(policy, load, next, exchange).winner;
  };
};

interface Copy {
  readonly exchange: Exchange;
  readonly cancel: AbortController;
}

class Race {
  readonly winner: Promise<Response>;
  readonly #policy: HedgingPolicy;
  readonly #load: BackendLoad;
  readonly #next: Handler;
  readonly #exchange: Exchange;
  readonly #copies: Copy[] = [];
  readonly #settle: PromiseWithResolvers<Response>;
  #state = firstCopy;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(policy: HedgingPolicy, load: BackendLoad, next: Handler, exchange: Exchange) {
    this.#policy = policy;
    this.#load = load;
    this.#next = next;
    this.#exchange = exchange;
    this.#settle = Promise.withResolvers();
    this.winner = this.#settle.promise;
    this.#send();
  }

  #send(): void {
    const exchange = this.#exchange.fork();
    const tried = this.#copies.map((copy) => copy.exchange.endpointIndex);
    // The client hears of one endpoint's; which of them answers first is not known yet.
    if (this.#copies.length > 0) exchange.informs = false;
    if (this.#copies.length === 0) exchange.bound = this.#exchange.bound;
    exchange.tried = [...(this.#exchange.tried ?? []), ...tried];
    if (exchange.tried.length === 0) exchange.tried = undefined;
    const copy = { exchange, cancel: new AbortController() };
    exchange.cancelled = copy.cancel.signal;
    exchange.signal = copy.cancel.signal;
    const number = this.#copies.push(copy) - 1;
    this.#timer = setTimeout(() => this.#step({ kind: "delay" }), this.#policy.delayMs);
    void this.#run(number, copy);
  }

  async #run(number: number, { exchange }: Copy): Promise<void> {
    try {
      const response = await this.#next(exchange);
      const good = response.status < 500;
      const used = this.#step({ kind: "answer", copy: number, good });
      if (used) this.#settle.resolve(response);
      else void response.body?.cancel().catch(() => undefined);
    } catch (error) {
      if (this.#step({ kind: "answer", copy: number, good: false })) this.#settle.reject(error);
    }
  }

  /** True when the copy that has just answered is the one that the client gets. */
  #step(event: HedgeEvent): boolean {
    const takeBudget = (): boolean => this.#load.hedgeBudget.take(Date.now());
    const [state, action] = stepHedge(this.#policy, this.#state, event, takeBudget);
    this.#state = state;
    if (action.kind === "send") this.#send();
    if (action.kind !== "use") return false;
    clearTimeout(this.#timer);
    this.#copies.forEach(({ cancel }, number) => number !== action.copy && cancel.abort());
    const { endpoint, endpointIndex } = this.#copies[action.copy]!.exchange;
    Object.assign(this.#exchange, { endpoint, endpointIndex });
    return true;
  }
}
