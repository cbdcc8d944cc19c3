// The processes of the hubs, one for each shard. How one is replaced while every stream goes on: decision 0011.
import { setTimeout as delay } from "node:timers/promises";
import { hubCalls, hubLoadSchema, type HubGoodbye, type HubLoad } from "#contract/hub-call.ts";
import { askUnixSocket } from "../unix-request.ts";
import type { StartedChild } from "./kept-process.ts";
import { SlottedSet, type SlottedRun } from "./slotted-set.ts";
import { slotPath } from "./socket-plan.ts";

export interface HubSetOptions {
  readonly names: readonly string[];
  readonly runDirectory: string;
  readonly drainTimeoutMs: number;
  startOne(run: SlottedRun): StartedChild;
  /** Gateways and agents that connect from now on reach this run. */
  use(run: SlottedRun): void;
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

export class HubSet {
  readonly #options: HubSetOptions;
  readonly #set: SlottedSet;

  constructor(options: HubSetOptions) {
    this.#options = options;
    const { drainTimeoutMs, use, log } = options;
    this.#set = new SlottedSet({
      ...options,
      async handOver(old, next) {
        // A process that died meanwhile has nothing left to hand over.
        await handOver(options, old, next).catch((error: Error) =>
          log(`${old.name}: not handed over: ${error.message}`),
        );
        use(next);
      },
      retire: ({ process }) => process.stop(drainTimeoutMs + endMs),
    });
  }

  get names(): readonly string[] {
    return this.#options.names;
  }

  start(): Promise<void> {
    return this.#set.start();
  }

  /**
   * Replaces one process; resolves when agents serve at its successor and the old one only finishes what is open.
   * Rejects, and the old one stays, when the successor does not start.
   */
  replace(name: string): Promise<void> {
    return this.#set.replace(name);
  }

  /** Closes WebSockets that pass through the hubs. Never rejects. */
  async goodbye(message: HubGoodbye): Promise<void> {
    const { runDirectory } = this.#options;
    const said = this.#set.running.map((run) => ask(runDirectory, run, hubCalls.goodbye, message));
    await Promise.allSettled(said);
  }

  stop(graceMs: number): Promise<void> {
    return this.#set.stop(({ process }) => process.stop(graceMs));
  }
}

/** Steps 2 to 4 of the decision. */
async function handOver(
  { use, drainTimeoutMs, runDirectory, log }: HubSetOptions,
  old: SlottedRun,
  next: SlottedRun,
): Promise<void> {
  const { serving } = await ask(runDirectory, old, hubCalls.leave);
  const leftAtMs = Date.now();
  const isQuiet = (load: HubLoad): boolean => Math.min(load.quietMs, Date.now() - leftAtMs) >= quietMs;
  const loadOf = (run: SlottedRun): Promise<HubLoad> => ask(runDirectory, run, hubCalls.load);
  if (serving > 0 && !(await until(() => loadOf(old), isQuiet, quietPatienceMs)))
    log(`${old.name}: gateways still use it, for no other hub has an agent`);
  use(next);
  await ask(runDirectory, old, hubCalls.drain, { timeoutMs: drainTimeoutMs });
  if (
    !(await until(
      () => loadOf(next),
      (load) => load.serving >= serving,
      agentPatienceMs,
    ))
  )
    log(`${old.name}: fewer than the ${serving} connections of before have come to the successor`);
}

/** Whether a hub came to that in time. */
async function until(
  load: () => Promise<HubLoad>,
  is: (load: HubLoad) => boolean,
  patienceMs: number,
): Promise<boolean> {
  const deadlineMs = Date.now() + patienceMs;
  while (Date.now() < deadlineMs) {
    if (is(await load())) return true;
    await delay(pollMs);
  }
  return false;
}

async function ask(
  runDirectory: string,
  { name, slot }: SlottedRun,
  path: string,
  body: unknown = {},
): Promise<HubLoad> {
  const answer = await askUnixSocket(slotPath(runDirectory, name, "hub", slot), {
    method: "POST",
    path,
    host: "hubs",
    body: JSON.stringify(body),
  });
  return hubLoadSchema.parse(answer.body);
}
