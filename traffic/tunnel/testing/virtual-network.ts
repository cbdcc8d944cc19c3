// A clock and a network in memory: events in order of virtual time, messages in order with random delay, cut at will.
import type { Random } from "./random.ts";

interface Event {
  readonly atMs: number;
  readonly order: number;
  run(): void;
}

export class VirtualClock {
  #events: Event[] = [];
  #order = 0;
  nowMs = 0;

  after(delayMs: number, run: () => void): void {
    const event = { atMs: this.nowMs + delayMs, order: this.#order++, run };
    let at = this.#events.length;
    while (at > 0 && isLater(this.#events[at - 1]!, event)) at--;
    this.#events.splice(at, 0, event);
  }

  /** Runs events until there are none or `untilMs` is reached; `each` after every one. */
  run(untilMs: number, each: () => void): void {
    for (;;) {
      const event = this.#events[0];
      if (!event || event.atMs > untilMs) return;
      this.#events.shift();
      this.nowMs = event.atMs;
      event.run();
      each();
    }
  }
}

function isLater(a: Event, b: Event): boolean {
  return a.atMs > b.atMs || (a.atMs === b.atMs && a.order > b.order);
}

/** One direction of a connection: keeps order, loses nothing until it is cut. */
export class VirtualWire {
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #deliver: (message: Uint8Array) => void;
  #lastMs = 0;
  #cut = false;

  constructor(clock: VirtualClock, random: Random, deliver: (message: Uint8Array) => void) {
    this.#clock = clock;
    this.#random = random;
    this.#deliver = deliver;
  }

  send(message: Uint8Array): void {
    const atMs = Math.max(this.#lastMs, this.#clock.nowMs + this.#random.below(20));
    this.#lastMs = atMs;
    this.#clock.after(atMs - this.#clock.nowMs, () => {
      if (!this.#cut) this.#deliver(message);
    });
  }

  cut(): void {
    this.#cut = true;
  }
}
