// The agent of `isthmus serve` itself, for endpoints that the Workers runtime cannot dial (decision 0013): started once a
// configuration has one, kept running from then on.
import { spawn } from "node:child_process";
import { rename, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { ownTunnel } from "#contract/snapshot.ts";
import { formatConnectTo } from "#traffic/connection/connect-to.ts";
import { packageRoot } from "../installation.ts";
import { keepRunning, type KeptProcess, type StartedChild } from "./kept-process.ts";
import { logLines } from "./log-lines.ts";
import { otherSlot } from "./slots.ts";
import { ownAgentDoor, type Slot } from "./socket-plan.ts";
import type { SupervisorTask } from "./supervisor-message.ts";

const entry = join(packageRoot, "origin-agent/main.ts");

/** From its start until a hub has let it in. */
const readyTimeoutMs = 30_000;
/** Half of a join token's life: one that is good always lies there, should the agent have to join anew. */
const tokenRenewalMs = 1_800_000;
/** After the drain timeout and the goodbye to WebSockets. */
const endMs = 2_000;

/** What the gateway dials has no allow list either. */
const everyNetwork = ["0.0.0.0/0", "::/0"];

interface Running {
  readonly slot: Slot;
  readonly process: KeptProcess;
}

export class OwnAgent {
  readonly #task: SupervisorTask;
  readonly #createToken: () => Promise<string>;
  readonly #log: (line: string) => void;
  readonly #tokenFile: string;
  #tokenMs = -Infinity;
  #running: Running | undefined;
  #draining: Promise<void> = Promise.resolve();
  #stopped = false;

  /** `createToken`: a join token for {@link ownTunnel}, from the control. */
  constructor(task: SupervisorTask, createToken: () => Promise<string>, log: (line: string) => void) {
    this.#task = task;
    this.#createToken = createToken;
    this.#log = log;
    this.#tokenFile = join(task.directory.run, "agent-token");
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Resolves when it is connected. Rejects, with nothing running, when it does not start. */
  async start(): Promise<void> {
    await this.#refreshToken();
    this.#running = await this.#startIn("a");
  }

  /** A successor serves before the old one drains. Rejects, and the old one stays, when that does not start. */
  async replace(): Promise<void> {
    await this.#draining;
    const old = this.#running;
    if (!old) return;
    await this.#refreshToken();
    this.#running = await this.#startIn(otherSlot(old.slot));
    this.#draining = old.process.stop(this.#task.options.drainTimeoutMs + endMs);
  }

  /** Sees to it that the agent finds a token that is good. Never rejects. */
  async keepToken(): Promise<void> {
    if (!this.#running || Date.now() - this.#tokenMs < tokenRenewalMs) return;
    await this.#refreshToken();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const stopping = this.#running?.process.stop(this.#task.options.drainTimeoutMs + endMs);
    await Promise.all([this.#draining, stopping]);
  }

  async #startIn(slot: Slot): Promise<Running> {
    const process = keepRunning("agent", () => this.#spawn(slot), this.#log);
    try {
      await process.ready;
    } catch (error) {
      await process.stop(0);
      throw error;
    }
    // A stop that came meanwhile has seen only what was there before.
    if (this.#stopped) await process.stop(0);
    return { slot, process };
  }

  #spawn(slot: Slot): StartedChild {
    const child = spawn(process.execPath, [entry, ...this.#flags(slot)], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const say = (line: string): void => this.#log(`agent: ${line}`);
    logLines(child.stdout, say);
    const ready = new Promise<void>((done, fail) => {
      const timer = setTimeout(
        () => fail(new Error(`the agent was not connected within ${readyTimeoutMs / 1000} s`)),
        readyTimeoutMs,
      );
      logLines(child.stderr, (line) => {
        say(line);
        if (!isReady(line)) return;
        clearTimeout(timer);
        done();
      });
      child.once("error", (error) => fail(new Error(`cannot start the agent: ${error.message}`)));
      child.once("exit", () => {
        clearTimeout(timer);
        fail(new Error("the agent ended before it was connected; its messages are above"));
      });
    });
    return { child, ready };
  }

  #flags(slot: Slot): string[] {
    const { directory, options } = this.#task;
    const { zone, drainTimeoutMs, connectTo, files } = options;
    const folders = files.map((file) => (file === "-" ? process.cwd() : dirname(resolve(file))));
    // It reads what the supervisor itself may: the configuration is of whoever runs the system.
    const tlsDirectories = [...new Set([...folders, directory.endpointKeys, "/"])];
    const fixed = {
      "--edge": "https://localhost",
      "--edge-socket": ownAgentDoor(directory.run),
      "--tunnel": ownTunnel,
      "--instance": `serve-${slot}`,
      "--data": join(directory.agents, slot),
      "--join-token-file": this.#tokenFile,
      "--ca-file": directory.trustBundle,
      "--drain-timeout": `${drainTimeoutMs}ms`,
    };
    return [
      ...Object.entries(fixed).flat(),
      ...everyNetwork.flatMap((network) => ["--allow", network]),
      ...(zone === undefined ? [] : ["--zone", zone]),
      ...tlsDirectories.flatMap((path) => ["--tls-dir", path]),
      ...connectTo.flatMap((rule) => ["--connect-to", formatConnectTo(rule)]),
    ];
  }

  /** Never rejects: an agent that has a certificate needs no token. */
  async #refreshToken(): Promise<void> {
    try {
      await writeFile(`${this.#tokenFile}.new`, await this.#createToken(), { mode: 0o600 });
      await rename(`${this.#tokenFile}.new`, this.#tokenFile);
      this.#tokenMs = Date.now();
    } catch (error) {
      this.#log(`no join token for the agent: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

function isReady(line: string): boolean {
  try {
    return (JSON.parse(line) as { event?: unknown }).event === "ready";
  } catch {
    return false;
  }
}
