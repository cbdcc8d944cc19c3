// The processes of the hubs, one for each shard. How one is replaced while every stream goes on: decision 0011.
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { hubCalls, hubLoadSchema, type HubGoodbye, type HubLoad } from "#contract/hub-call.ts";
import { askUnixSocket } from "../unix-request.ts";
import { passToHub, tellHub } from "./hub-process.ts";
import type { TunnelTls } from "./hub/settings.ts";
import type { StartedChild } from "./kept-process.ts";
import { untilQuiet } from "./quiet-hub.ts";
import { type RunningProcess, SlottedSet, type SlottedRun } from "./slotted-set.ts";
import { hubProcess, slotPath } from "./socket-plan.ts";

export interface HubSetOptions {
  readonly names: readonly string[];
  readonly runDirectory: string;
  readonly drainTimeoutMs: number;
  startOne(run: SlottedRun, tls: TunnelTls | undefined): StartedChild;
  /** Gateways and agents that connect from now on reach this run. */
  use(run: RunningProcess): void;
  log(line: string): void;
}

const agentPatienceMs = 10_000;
const pollMs = 50;
/** After the hub has closed what was open, before the process is killed. */
const endMs = 1_000;

export class HubSet {
  readonly #options: HubSetOptions;
  readonly #set: SlottedSet;
  /** By process name, who gets the connections that are passed on; changes with the links of the Unix sockets. */
  readonly #inUse = new Map<string, RunningProcess>();
  #tls: TunnelTls | undefined;

  constructor(given: HubSetOptions) {
    const use = (run: RunningProcess): void => {
      given.use(run);
      this.#inUse.set(run.name, run);
    };
    const options = { ...given, use };
    this.#options = options;
    const { drainTimeoutMs, log } = options;
    this.#set = new SlottedSet({
      ...options,
      startOne: (run) => given.startOne(run, this.#tls),
      handOver: async (old, next) => {
        // A process that died meanwhile has nothing left to hand over.
        await this.#handOver(old, next).catch((error: Error) =>
          log(`${old.name}: not handed over: ${error.message}`),
        );
        use(next);
      },
      async retire(run) {
        // One that has died has nothing open.
        await ask(options.runDirectory, run, hubCalls.end, { timeoutMs: drainTimeoutMs }).catch(
          () => undefined,
        );
        await run.process.stop(drainTimeoutMs + endMs);
      },
    });
  }

  get names(): readonly string[] {
    return this.#options.names;
  }

  start(): Promise<void> {
    return this.#set.start();
  }

  /** What agents meet whose connections are passed on, from now on. */
  setTls(tls: TunnelTls): void {
    this.#tls = tls;
    for (const { process } of this.#set.all) {
      const child = process.current();
      if (child) tellHub(child, tls);
    }
  }

  /** Passes on a connection to a shard's hub; `start` is what has been read of it. */
  pass(shard: number, start: string, socket: Socket): void {
    passToHub(this.#inUse.get(hubProcess(shard))?.process.current(), start, socket);
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

  /** Steps 2 to 4 of the decision. */
  async #handOver(old: RunningProcess, next: RunningProcess): Promise<void> {
    const { use, runDirectory, log } = this.#options;
    const { serving } = await ask(runDirectory, old, hubCalls.leave);
    if (serving > 0) {
      const reason = await untilQuiet({
        load: () => ask(runDirectory, old, hubCalls.load),
        servingElsewhere: () => this.#servingElsewhere(old.name),
        nowMs: Date.now,
        wait: delay,
      });
      if (reason !== undefined) log(`${old.name}: gateways still use it: ${reason}`);
    }
    use(next);
    await ask(runDirectory, old, hubCalls.drain);
    const isBack = (load: HubLoad): boolean => load.serving >= serving;
    if (!(await until(() => ask(runDirectory, next, hubCalls.load), isBack, agentPatienceMs)))
      log(`${old.name}: fewer than the ${serving} connections of before have come to the successor`);
  }

  /** Agents that serve at hubs with other names. One that does not answer has none. */
  async #servingElsewhere(name: string): Promise<number> {
    const others = this.#set.running.filter((run) => run.name !== name);
    const asked = others.map((run) => ask(this.#options.runDirectory, run, hubCalls.load));
    const loads = await Promise.allSettled(asked);
    return loads.reduce((sum, load) => sum + (load.status === "fulfilled" ? load.value.serving : 0), 0);
  }
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
