// Processes that each have two slots, so that a successor can run beside the one that it replaces (decision 0011).
import { keepRunning, type KeptProcess, type StartedChild } from "./kept-process.ts";
import { otherSlot } from "./slots.ts";
import type { Slot } from "./socket-plan.ts";

/** One run of a process. */
export interface SlottedRun {
  readonly name: string;
  readonly slot: Slot;
  /** Tells the run from those before it. */
  readonly id: string;
}

export interface RunningProcess extends SlottedRun {
  readonly process: KeptProcess;
}

export interface SlottedSetOptions {
  readonly names: readonly string[];
  startOne(run: SlottedRun): StartedChild;
  /** Who connects from now on reaches this run, where a socket is not shared with the one before. */
  use(run: RunningProcess): void;
  /** Both serve. Resolves when the old one may be retired. Never rejects. */
  handOver(old: RunningProcess, next: RunningProcess): Promise<void>;
  /** Its successor has taken over. Resolves when it has ended. Never rejects. */
  retire(run: RunningProcess): Promise<void>;
  log(line: string): void;
}

export class SlottedSet {
  readonly #options: SlottedSetOptions;
  readonly #running = new Map<string, RunningProcess>();
  /** Beside those that run: one that starts, or one that hands over. */
  readonly #beside = new Set<RunningProcess>();
  readonly #retiring = new Map<string, Promise<void>>();
  #runs = 0;
  #stopped = false;
  /** Replacements that overlap would both take the slot that is free. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: SlottedSetOptions) {
    this.#options = options;
  }

  get running(): RunningProcess[] {
    return [...this.#running.values()];
  }

  /** Those that run, and those that are to or have just been replaced by them. */
  get all(): RunningProcess[] {
    return [...this.#running.values(), ...this.#beside];
  }

  /** Starts the first processes; resolves when all serve. */
  async start(): Promise<void> {
    for (const name of this.#options.names) {
      const run = this.#keep(name, "a");
      this.#running.set(name, run);
      this.#options.use(run);
    }
    await Promise.all(this.running.map(({ process }) => process.ready));
  }

  /** Replaces one process; resolves when it has handed over. Rejects, and the old one stays, when the successor does not start. */
  replace(name: string): Promise<void> {
    const mine = this.#turn.then(() => this.#replace(name));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  /** `end`: ends one that does not retire yet. Resolves when all have ended, those that retire, too. */
  async stop(end: (run: RunningProcess) => Promise<void>): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#retiring.values(), ...this.all.map(end)]);
  }

  #keep(name: string, slot: Slot): RunningProcess {
    const { startOne, log } = this.#options;
    this.#runs += 1;
    const run: SlottedRun = { name, slot, id: `${name} run ${this.#runs}` };
    return { ...run, process: keepRunning(name, () => startOne(run), log) };
  }

  async #replace(name: string): Promise<void> {
    // The slot that the successor takes is free once the process before last has ended.
    await this.#retiring.get(name);
    if (this.#stopped) return;
    const old = this.#running.get(name)!;
    const next = this.#keep(name, otherSlot(old.slot));
    this.#beside.add(next);
    try {
      await next.process.ready;
    } catch (error) {
      await next.process.stop(0);
      throw error;
    } finally {
      this.#beside.delete(next);
    }
    if (this.#stopped) return;
    this.#running.set(name, next);
    this.#beside.add(old);
    await this.#options.handOver(old, next);
    this.#beside.delete(old);
    if (!this.#stopped) this.#retiring.set(name, this.#options.retire(old));
  }
}
