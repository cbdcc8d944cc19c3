// The gateway processes. Each is replaced, when the direct endpoints change or the operator asks, by a successor that
// accepts on the same ports before the old one stops accepting.
import type { ChildProcess } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import type { DirectEndpoint } from "./direct-endpoints.ts";
import { sameEndpoints } from "./direct-endpoints.ts";
import { keepRunning, type KeptProcess, type StartedChild } from "./kept-process.ts";
import { otherSlot } from "./slots.ts";
import type { Slot } from "./socket-plan.ts";

/** One run of a gateway process. */
export interface GatewayRun {
  readonly name: string;
  readonly slot: Slot;
  /** Tells the run from those before it. */
  readonly id: string;
}

export interface GatewaySetOptions {
  readonly names: readonly string[];
  readonly drainTimeoutMs: number;
  startOne(run: GatewayRun, endpoints: readonly DirectEndpoint[]): StartedChild;
  /** Connections go to this run from now on, where a socket is not shared with the one before. */
  use(run: GatewayRun): void;
  /** Its time is nearly up: what is still open through it and can be closed properly, is. */
  goodbye(run: GatewayRun): Promise<void>;
  /**
   * Its successor serves. Resolves when it may be told to end, to what has to be called right after that. Never rejects.
   */
  leave(run: GatewayRun, child: ChildProcess): Promise<() => void>;
  log(line: string): void;
}

/** Time that the goodbye needs, at the end of the drain timeout. */
const goodbyeMs = 1_000;

/**
 * Between the successor's first connection and the old process's end: what has connected to the old one has sent its
 * request by then. At SIGTERM workerd closes connections on which none has arrived.
 */
const settleMs = 500;

interface Running extends GatewayRun {
  readonly process: KeptProcess;
}

export class GatewaySet {
  readonly #options: GatewaySetOptions;
  readonly #running = new Map<string, Running>();
  readonly #draining = new Map<string, Promise<void>>();
  #endpoints: readonly DirectEndpoint[] = [];
  #runs = 0;
  #stopped = false;
  /** Replacements that overlap would both take the slot that is free. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: GatewaySetOptions) {
    this.#options = options;
  }

  /** Starts the first processes; resolves when all serve. */
  async start(endpoints: readonly DirectEndpoint[]): Promise<void> {
    this.#endpoints = endpoints;
    for (const name of this.#options.names) {
      const run = this.#keep(name, "a");
      this.#running.set(name, run);
      this.#options.use(run);
    }
    await Promise.all([...this.#running.values()].map(({ process }) => process.ready));
  }

  /** Replaces the processes one by one if the endpoints differ from those they run with. */
  async roll(endpoints: readonly DirectEndpoint[]): Promise<void> {
    if (sameEndpoints(this.#endpoints, endpoints)) return;
    this.#endpoints = endpoints;
    const { names, log } = this.#options;
    log(`${endpoints.length} direct endpoints now: replacing the gateway processes`);
    for (const name of names) {
      await this.replace(name).catch((error: Error) =>
        log(`${name}: the successor did not start, the old process stays: ${error.message}`),
      );
    }
  }

  /** Replaces one process by a successor like it. Rejects, and the old one stays, when that does not start. */
  replace(name: string): Promise<void> {
    const mine = this.#turn.then(() => this.#replace(name));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    const ending = [...this.#running.values()].map((run) => this.#retire(run, graceMs));
    await Promise.all([...this.#draining.values(), ...ending]);
  }

  #keep(name: string, slot: Slot): Running {
    const endpoints = this.#endpoints;
    const { startOne, log } = this.#options;
    this.#runs += 1;
    const run: GatewayRun = { name, slot, id: `${name} run ${this.#runs}` };
    return { ...run, process: keepRunning(name, () => startOne(run, endpoints), log) };
  }

  async #replace(name: string): Promise<void> {
    const { drainTimeoutMs, use } = this.#options;
    // The slot that the successor takes is free once the process before last has ended.
    await this.#draining.get(name);
    if (this.#stopped) return;
    const old = this.#running.get(name)!;
    const next = this.#keep(name, otherSlot(old.slot));
    try {
      await next.process.ready;
    } catch (error) {
      await next.process.stop(0);
      throw error;
    }
    // A stop that came meanwhile has seen only the old one.
    if (this.#stopped) return next.process.stop(drainTimeoutMs);
    use(next);
    await delay(settleMs);
    this.#running.set(name, next);
    if (this.#stopped) return next.process.stop(drainTimeoutMs);
    this.#draining.set(name, this.#leave(old, drainTimeoutMs));
  }

  async #leave(run: Running, graceMs: number): Promise<void> {
    const child = run.process.current();
    const afterwards = child && (await this.#options.leave(run, child));
    const retired = this.#retire(run, graceMs);
    afterwards?.();
    await retired;
  }

  async #retire(run: Running, graceMs: number): Promise<void> {
    const { goodbye } = this.#options;
    const timer = setTimeout(() => void goodbye(run), Math.max(0, graceMs - goodbyeMs));
    await run.process.stop(graceMs);
    clearTimeout(timer);
  }
}
