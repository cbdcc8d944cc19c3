// Connections of a listener that are open, and those that wait until there is room. The shell around it closes, holds and
// serves them; `Waiter` is whatever it knows a connection by.
import type { ConnectionLimits } from "#contract/connection-limits.ts";
import { limits } from "#contract/limits.ts";
import { spendSliding, type WindowState } from "../limit/window.ts";

export type Arrival = "admitted" | "waiting" | "refused";

/** The part of a bound that one of several processes keeps, counted from 0; each keeps at least one. */
export function shareOf(value: number, process: number, processes: number): number {
  return Math.max(1, Math.floor(value / processes) + (process < value % processes ? 1 : 0));
}

/** The same of all limits of a listener. */
export function shareOfLimits(whole: ConnectionLimits, process: number, processes: number): ConnectionLimits {
  const share = (value: number): number => shareOf(value, process, processes);
  const { connectionLimit, rateLimit } = whole;
  return {
    ...whole,
    ...(connectionLimit && { connectionLimit: { ...connectionLimit, value: share(connectionLimit.value) } }),
    ...(rateLimit && { rateLimit: { ...rateLimit, connections: share(rateLimit.connections) } }),
  };
}

type Overflow = NonNullable<ConnectionLimits["connectionLimit"]>["overflow"];

export class ConnectionQueue<Waiter> {
  readonly #limit: ConnectionLimits["connectionLimit"];
  readonly #rate: ConnectionLimits["rateLimit"];
  readonly #open = new Set<Waiter>();
  /** In the order of their arrival. */
  readonly #waiting = new Set<Waiter>();
  #window: WindowState | undefined;
  #readyMs: number | undefined;

  constructor({ connectionLimit, rateLimit }: ConnectionLimits) {
    this.#limit = connectionLimit;
    this.#rate = rateLimit;
  }

  arrive(waiter: Waiter, nowMs: number): Arrival {
    // Nobody overtakes those who wait.
    const obstacle = this.#waiting.size > 0 ? "Queue" : this.#admit(waiter, nowMs);
    if (obstacle === undefined) return "admitted";
    if (obstacle === "Close" || this.#waiting.size >= limits.waitingConnections) return "refused";
    this.#waiting.add(waiter);
    return "waiting";
  }

  /** It is over, or has gone while it waited. */
  leave(waiter: Waiter): void {
    this.#open.delete(waiter);
    this.#waiting.delete(waiter);
  }

  /** Those whose turn it is; to be asked after every `leave`, and when {@link readyInMs} is over. */
  takeReady(nowMs: number): Waiter[] {
    const ready: Waiter[] = [];
    for (const waiter of this.#waiting) {
      if (this.#admit(waiter, nowMs) !== undefined) break;
      this.#waiting.delete(waiter);
      ready.push(waiter);
    }
    return ready;
  }

  /** When time alone makes room; `undefined`: nobody waits, or somebody has to leave first. */
  readyInMs(nowMs: number): number | undefined {
    if (this.#waiting.size === 0 || this.#readyMs === undefined) return undefined;
    return Math.max(1, Math.ceil(this.#readyMs - nowMs));
  }

  /** What becomes of it where there is no room. */
  #admit(waiter: Waiter, nowMs: number): Overflow | undefined {
    this.#readyMs = undefined;
    if (this.#limit && this.#open.size >= this.#limit.value) return this.#limit.overflow;
    if (this.#rate) {
      const { connections: requests, windowMs, overflow } = this.#rate;
      const limit = { algorithm: "SlidingWindow" as const, requests, windowMs };
      const { allowed, state, retryAfterMs } = spendSliding(limit, this.#window, 1, nowMs);
      this.#window = state;
      if (!allowed) {
        this.#readyMs = nowMs + retryAfterMs;
        return overflow;
      }
    }
    this.#open.add(waiter);
    return undefined;
  }
}
