// Endpoints that take so many requests at once, and the requests that wait for a place (HAProxy `maxconn`, `minconn`,
// `fullconn`, `maxqueue`; decision 0029). The shell around it holds those who wait; `Waiter` is what it knows them by.

export interface EndpointQueueLimits {
  /** By the index of the endpoint; Infinity: no bound. */
  readonly maxConnections: readonly number[];
  /** Bound while the backend has few requests; absent: `maxConnections` always. */
  readonly minConnections: readonly (number | undefined)[];
  /** Requests of those who are bound to the endpoint that wait for it; Infinity: no bound. */
  readonly maxQueue: readonly number[];
  /** Requests of the backend, waiting ones included, from which `maxConnections` hold. */
  readonly fullConnections: number;
  /** All that wait. */
  readonly maxWaiting: number;
}

/** How the requests of a waiter find their endpoint. */
export interface PlacePicker {
  /** An endpoint that is none of `full`; -1: there is none. */
  pick(full: readonly number[]): number;
  /** The one endpoint that it is for; -1: any. Absent: always any. */
  bound?(): number;
  /** Whether it may go to another one, where as many wait for its own as may. */
  readonly mayMove?: boolean;
}

export type Arrival =
  | { readonly kind: "admitted"; readonly index: number }
  | { readonly kind: "waiting" | "refused" | "unavailable" };

export interface Admitted<Waiter> {
  readonly waiter: Waiter;
  readonly index: number;
}

const anyEndpoint = -1;

interface Entry {
  readonly picker: PlacePicker;
  /** The endpoint that it is for. */
  readonly index: number;
  /** Those who have waited longer have a lower one. */
  readonly turn: number;
}

export class EndpointQueue<Waiter> {
  readonly #limits: EndpointQueueLimits;
  readonly #open: number[];
  /** All of the backend, waiting or not. */
  #requests = 0;
  /** In the order of their arrival. */
  readonly #waiting = new Map<Waiter, Entry>();
  /** By the endpoint that they are for, in the same order. */
  readonly #waitingFor = new Map<number, Set<Waiter>>();
  #turns = 0;

  constructor(limits: EndpointQueueLimits) {
    this.#limits = limits;
    this.#open = limits.maxConnections.map(() => 0);
  }

  /** Whoever is admitted, now or later, calls `leave` exactly once. */
  arrive(waiter: Waiter, picker: PlacePicker): Arrival {
    this.#requests += 1;
    const arrival = this.#place(waiter, picker);
    if (arrival.kind === "refused" || arrival.kind === "unavailable") this.#requests -= 1;
    return arrival;
  }

  /** A request on the endpoint is over. Returns those whose turn it is now. */
  leave(index: number): Admitted<Waiter>[] {
    this.#open[index]! -= 1;
    this.#requests -= 1;
    const admitted: Admitted<Waiter>[] = [];
    while (this.#hasRoom(index)) {
      const next = this.#nextFor(index);
      if (!next) break;
      this.#remove(next.waiter);
      this.#admit(next.index);
      admitted.push(next);
    }
    return admitted;
  }

  /** It waits no longer. */
  giveUp(waiter: Waiter): void {
    if (this.#remove(waiter)) this.#requests -= 1;
  }

  /** Endpoints have come or gone: everybody looks anew. Returns those whose turn it is. */
  lookAnew(): Admitted<Waiter>[] {
    const before = [...this.#waiting];
    this.#waiting.clear();
    this.#waitingFor.clear();
    return before.flatMap(([waiter, { picker }]) => {
      const arrival = this.#place(waiter, picker);
      if (arrival.kind === "admitted") return [{ waiter, index: arrival.index }];
      // Those who wait already are not turned away: an endpoint may be back before their time is over.
      if (arrival.kind !== "waiting") this.#enqueue(waiter, picker, anyEndpoint);
      return [];
    });
  }

  #place(waiter: Waiter, picker: PlacePicker): Arrival {
    const bound = picker.bound?.() ?? anyEndpoint;
    if (bound !== anyEndpoint) {
      const before = this.#waitingFor.get(bound)?.size ?? 0;
      if (before === 0 && this.#hasRoom(bound)) return this.#admit(bound);
      if (before < this.#limits.maxQueue[bound]!) return this.#wait(waiter, picker, bound);
      if (!picker.mayMove) return { kind: "refused" };
    }
    const index = picker.pick(this.#full());
    if (index >= 0) return this.#admit(index);
    return picker.pick([]) < 0 ? { kind: "unavailable" } : this.#wait(waiter, picker, anyEndpoint);
  }

  #admit(index: number): Arrival {
    this.#open[index]! += 1;
    return { kind: "admitted", index };
  }

  #wait(waiter: Waiter, picker: PlacePicker, index: number): Arrival {
    if (this.#waiting.size >= this.#limits.maxWaiting) return { kind: "refused" };
    this.#enqueue(waiter, picker, index);
    return { kind: "waiting" };
  }

  #enqueue(waiter: Waiter, picker: PlacePicker, index: number): void {
    this.#waiting.set(waiter, { picker, index, turn: (this.#turns += 1) });
    const same = this.#waitingFor.get(index);
    if (same) same.add(waiter);
    else this.#waitingFor.set(index, new Set([waiter]));
  }

  #remove(waiter: Waiter): boolean {
    const entry = this.#waiting.get(waiter);
    if (!entry) return false;
    this.#waiting.delete(waiter);
    const same = this.#waitingFor.get(entry.index)!;
    same.delete(waiter);
    if (same.size === 0) this.#waitingFor.delete(entry.index);
    return true;
  }

  /** The one who has waited longest of those who are for this endpoint and those who are for any. */
  #nextFor(index: number): Admitted<Waiter> | undefined {
    const [own] = this.#waitingFor.get(index) ?? [];
    const ownTurn = own === undefined ? Infinity : this.#waiting.get(own)!.turn;
    const full = this.#full().filter((other) => other !== index);
    for (const waiter of this.#waitingFor.get(anyEndpoint) ?? []) {
      const { picker, turn } = this.#waiting.get(waiter)!;
      if (ownTurn < turn) break;
      const picked = picker.pick(full);
      if (picked >= 0) return { waiter, index: picked };
    }
    return own === undefined ? undefined : { waiter: own, index };
  }

  /** Balancing passes over endpoints for which somebody waits, too. */
  #full(): number[] {
    const full: number[] = [];
    for (let index = 0; index < this.#open.length; index += 1) {
      if (!this.#hasRoom(index) || this.#waitingFor.has(index)) full.push(index);
    }
    return full;
  }

  #hasRoom(index: number): boolean {
    return this.#open[index]! < this.#limitOf(index);
  }

  /** HAProxy's `srv_dynamic_maxconn`: in proportion to the requests of the backend, from the one bound to the other. */
  #limitOf(index: number): number {
    const max = this.#limits.maxConnections[index]!;
    const min = this.#limits.minConnections[index];
    const { fullConnections } = this.#limits;
    if (min === undefined || this.#requests >= fullConnections) return max;
    return Math.max(min, Math.floor((this.#requests * max) / fullConnections));
  }
}
