// The processes of the hubs, one for each shard. How one is replaced while every stream goes on: decision 0011.
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { hubCalls, hubLoadSchema, type HubGoodbye, type HubLoad } from "#contract/hub-call.ts";
import { limits } from "#contract/limits.ts";
import { askUnixSocket } from "../unix-request.ts";
import { passToHub, tellHub } from "./hub-process.ts";
import { type HubSocket, hubSockets, type TunnelTls } from "./hub/settings.ts";
import type { StartedChild } from "./kept-process.ts";
import { type RunningProcess, SlottedSet, type SlottedRun } from "./slotted-set.ts";
import { hubProcess, slotPath } from "./socket-plan.ts";

export interface HubSetOptions {
  readonly names: readonly string[];
  readonly runDirectory: string;
  readonly drainTimeoutMs: number;
  startOne(run: SlottedRun, tls: TunnelTls | undefined): StartedChild;
  /** Who connects to these sockets from now on reaches this run. */
  use(run: RunningProcess, sockets: readonly HubSocket[]): void;
  log(line: string): void;
}

/** For agents to come to the successor; the old hub serves meanwhile. */
const agentPatienceMs = 60_000;
const pollMs = 50;
/** After the hub has closed what was open, before the process is killed. */
const endMs = 1_000;

export class HubSet {
  readonly #options: HubSetOptions;
  readonly #set: SlottedSet;
  /** By process name, who gets the connections that are passed on; changes with the link of the tunnel's socket. */
  readonly #inUse = new Map<string, RunningProcess>();
  #tls: TunnelTls | undefined;

  constructor(given: HubSetOptions) {
    this.#options = given;
    const { runDirectory, drainTimeoutMs, log } = given;
    this.#set = new SlottedSet({
      ...given,
      startOne: (run) => given.startOne(run, this.#tls),
      use: (run) => this.#use(run, hubSockets),
      handOver: async (old, next) => {
        // A process that died meanwhile has nothing left to hand over.
        await this.#handOver(old, next).catch((error: Error) =>
          log(`${old.name}: not handed over: ${error.message}`),
        );
        this.#use(next, hubSockets);
      },
      async retire(run) {
        // One that has died has nothing open.
        await ask(runDirectory, run, hubCalls.end, { timeoutMs: drainTimeoutMs }).catch(() => undefined);
        await run.process.stop(drainTimeoutMs + limits.keptConnectionMs + endMs);
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

  #use(run: RunningProcess, sockets: readonly HubSocket[]): void {
    this.#options.use(run, sockets);
    if (sockets.includes("tunnel")) this.#inUse.set(run.name, run);
  }

  /** Resolves when agents serve at the successor as well, or have had the time to come. */
  async #handOver(old: RunningProcess, next: RunningProcess): Promise<void> {
    const { runDirectory, log } = this.#options;
    this.#use(next, ["tunnel"]);
    await ask(runDirectory, old, hubCalls.leave);
    const deadlineMs = Date.now() + agentPatienceMs;
    for (;;) {
      const loads = [old, next].map((run) => ask(runDirectory, run, hubCalls.load));
      const [left, come] = (await Promise.all(loads)).map(({ serving }) => serving) as [number, number];
      if (come >= left) return;
      if (Date.now() >= deadlineMs)
        return log(`${old.name}: of ${left} connections of agents ${come} have come to the successor`);
      await delay(pollMs);
    }
  }
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
