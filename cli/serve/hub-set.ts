// The processes of the hubs, one for each shard. How one is replaced while every stream goes on: decision 0011.
import { setTimeout as delay } from "node:timers/promises";
import { hubCalls, hubLoadSchema, type HubGoodbye, type HubLoad } from "#contract/hub-call.ts";
import { askUnixSocket } from "../unix-request.ts";
import { keepRunning, type KeptProcess, type StartedChild } from "./kept-process.ts";
import { otherSlot } from "./slots.ts";
import { slotPath, type Slot } from "./socket-plan.ts";

export interface HubRun {
  readonly name: string;
  readonly slot: Slot;
}

export interface HubSetOptions {
  readonly names: readonly string[];
  readonly runDirectory: string;
  readonly drainTimeoutMs: number;
  startOne(run: HubRun): StartedChild;
  /** Gateways and agents that connect from now on reach this run. */
  use(run: HubRun): void;
  log(line: string): void;
}

/** Two heartbeats and a half: by then every gateway knows that the hub leaves. */
const quietMs = 2_500;
/** A hub that is the only one with agents never falls quiet. */
const quietPatienceMs = 6_000;
const agentPatienceMs = 10_000;
const pollMs = 50;
/** After the hub has closed what was open, before the process is killed. */
const endMs = 1_000;

interface Running extends HubRun {
  readonly process: KeptProcess;
}

export class HubSet {
  readonly #options: HubSetOptions;
  readonly #running = new Map<string, Running>();
  readonly #draining = new Map<string, Promise<void>>();

  constructor(options: HubSetOptions) {
    this.#options = options;
  }

  get names(): readonly string[] {
    return this.#options.names;
  }

  async start(): Promise<void> {
    for (const name of this.names) {
      const run = this.#keep(name, "a");
      this.#running.set(name, run);
      this.#options.use(run);
    }
    await Promise.all([...this.#running.values()].map(({ process }) => process.ready));
  }

  /**
   * Replaces one process; resolves when agents serve at its successor and the old one only finishes what is open.
   * Rejects, and the old one stays, when the successor does not start.
   */
  async replace(name: string): Promise<void> {
    const { use, drainTimeoutMs, log } = this.#options;
    await this.#draining.get(name);
    const old = this.#running.get(name)!;
    const next = this.#keep(name, otherSlot(old.slot));
    try {
      await next.process.ready;
    } catch (error) {
      await next.process.stop(0);
      throw error;
    }
    this.#running.set(name, next);
    // A process that died meanwhile has nothing left to hand over.
    await this.#handOver(old, next).catch((error: Error) =>
      log(`${name}: not handed over: ${error.message}`),
    );
    use(next);
    this.#draining.set(name, old.process.stop(drainTimeoutMs + endMs));
  }

  /** Closes WebSockets that pass through the hubs. Never rejects. */
  async goodbye(message: HubGoodbye): Promise<void> {
    const said = [...this.#running.values()].map((run) => this.#call(run, hubCalls.goodbye, message));
    await Promise.allSettled(said);
  }

  async stop(graceMs: number): Promise<void> {
    const ending = [...this.#running.values()].map(({ process }) => process.stop(graceMs));
    await Promise.all([...this.#draining.values(), ...ending]);
  }

  #keep(name: string, slot: Slot): Running {
    const run = { name, slot };
    return { ...run, process: keepRunning(name, () => this.#options.startOne(run), this.#options.log) };
  }

  /** Steps 2 to 4 of the decision. */
  async #handOver(old: Running, next: Running): Promise<void> {
    const { use, drainTimeoutMs, log } = this.#options;
    const { serving } = await this.#call(old, hubCalls.leave);
    const leftAtMs = Date.now();
    const isQuiet = (load: HubLoad): boolean => Math.min(load.quietMs, Date.now() - leftAtMs) >= quietMs;
    if (serving > 0 && !(await this.#until(old, isQuiet, quietPatienceMs)))
      log(`${old.name}: gateways still use it, for no other hub has an agent`);
    use(next);
    await this.#call(old, hubCalls.drain, { timeoutMs: drainTimeoutMs });
    if (!(await this.#until(next, (load) => load.serving >= serving, agentPatienceMs)))
      log(`${old.name}: fewer than the ${serving} connections of before have come to the successor`);
  }

  /** Whether the hub came to that in time. */
  async #until(run: HubRun, is: (load: HubLoad) => boolean, patienceMs: number): Promise<boolean> {
    const deadlineMs = Date.now() + patienceMs;
    while (Date.now() < deadlineMs) {
      if (is(await this.#call(run, hubCalls.load))) return true;
      await delay(pollMs);
    }
    return false;
  }

  async #call({ name, slot }: HubRun, path: string, body: unknown = {}): Promise<HubLoad> {
    const answer = await askUnixSocket(slotPath(this.#options.runDirectory, name, "hub", slot), {
      method: "POST",
      path,
      host: "hubs",
      body: JSON.stringify(body),
    });
    return hubLoadSchema.parse(answer.body);
  }
}
