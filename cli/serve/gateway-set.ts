// The gateway processes. Each is replaced, when the direct endpoints change or the operator asks, by a successor that
// accepts on the same ports before the old one stops accepting.
import type { ChildProcess } from "node:child_process";
import { awakeDelay } from "#hub/awake-delay.ts";
import type { DirectEndpoint } from "./direct-endpoints.ts";
import { sameEndpoints } from "./direct-endpoints.ts";
import type { StartedChild } from "./kept-process.ts";
import { type RunningProcess, SlottedSet, type SlottedRun } from "./slotted-set.ts";

export interface GatewaySetOptions {
  readonly names: readonly string[];
  readonly drainTimeoutMs: number;
  startOne(run: SlottedRun, endpoints: readonly DirectEndpoint[]): StartedChild;
  /** Connections go to this run from now on, where a socket is not shared with the one before. */
  use(run: SlottedRun): void;
  /** Resolves when this run has read what was on its way to it while `use` named it. Never rejects. */
  arrived(run: SlottedRun): Promise<void>;
  /** Its time is nearly up: what is still open through it and can be closed properly, is. */
  goodbye(run: SlottedRun): Promise<void>;
  /**
   * Its successor serves. Resolves when it may be told to end, to what has to be called right after that. Never rejects.
   */
  leave(run: SlottedRun, child: ChildProcess): Promise<() => void>;
  log(line: string): void;
}

/** Time that the goodbye needs, at the end of the drain timeout. */
const goodbyeMs = 1_000;

/**
 * Between the successor's first connection and the old process's end: who has connected to the old one has sent its
 * request by then. At SIGTERM workerd closes connections on which none has arrived. Measured in 40 replacements under load:
 * without it a request on a new connection failed, with it none.
 */
const settleMs = 500;

export class GatewaySet {
  readonly #options: GatewaySetOptions;
  readonly #set: SlottedSet;
  #endpoints: readonly DirectEndpoint[] = [];

  constructor(options: GatewaySetOptions) {
    this.#options = options;
    const { drainTimeoutMs, startOne, use, arrived } = options;
    this.#set = new SlottedSet({
      ...options,
      startOne: (run) => startOne(run, this.#endpoints),
      async handOver(old, next) {
        use(next);
        await awakeDelay(settleMs);
        await arrived(old);
      },
      retire: (run) => this.#leave(run, drainTimeoutMs),
    });
  }

  /** Starts the first processes; resolves when all serve. */
  start(endpoints: readonly DirectEndpoint[]): Promise<void> {
    this.#endpoints = endpoints;
    return this.#set.start();
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
    return this.#set.replace(name);
  }

  stop(graceMs: number): Promise<void> {
    return this.#set.stop((run) => this.#retire(run, graceMs));
  }

  async #leave(run: RunningProcess, graceMs: number): Promise<void> {
    const child = run.process.current();
    const afterwards = child && (await this.#options.leave(run, child));
    const retired = this.#retire(run, graceMs);
    afterwards?.();
    await retired;
  }

  async #retire(run: RunningProcess, graceMs: number): Promise<void> {
    const { goodbye } = this.#options;
    const ended = new AbortController();
    void awakeDelay(Math.max(0, graceMs - goodbyeMs), ended.signal).then(() => goodbye(run));
    await run.process.stop(graceMs);
    ended.abort();
  }
}
