// Starts the programs that a benchmark compares, pinned to a core, and measures their memory.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { freePorts } from "../test/system/process.ts";

/** Core of whatever is measured; the load and the origin share the other one. */
export const measuredCore = 0;
export const loadCore = 1;

const hasTaskset = spawnSync("taskset", ["--version"]).status === 0;

/** True when `program` can be started on this machine. */
export function available(program: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
}

export interface Running {
  readonly process: ChildProcess;
  /** Everything it printed so far, standard output and error together. */
  output(): string;
  stop(): Promise<void>;
}

/** Spawns a program pinned to `core` (where the machine has taskset), with its output kept for error messages. */
export function start(command: string, args: string[], core: number, env: NodeJS.ProcessEnv = {}): Running {
  const [program, programArgs] = hasTaskset
    ? ["taskset", ["-c", String(core), command, ...args]]
    : [command, args];
  const child = spawn(program, programArgs, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  let output = "";
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-65_536);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const exited = new Promise<void>((done) => child.once("exit", () => done()));
  return {
    process: child,
    output: () => output,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
      await exited;
    },
  };
}

/** A port that was free a moment ago, and that no outgoing connection of a load gets meanwhile. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error("no port");
  return port;
}

/** Waits until `probe` returns true, or fails with what the program printed. */
export async function until(what: string, probe: () => Promise<boolean>, running?: Running): Promise<void> {
  const deadlineMs = Date.now() + 60_000;
  while (Date.now() < deadlineMs) {
    if (running && running.process.exitCode !== null) break;
    if (await probe().catch(() => false)) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`${what} did not become ready\n${running?.output() ?? ""}`);
}

/** Resident memory of a process and its descendants, in KiB. Linux only; 0 elsewhere. */
export function residentKiB(pid: number): number {
  return sumOfTree(pid, (id) => Number(/VmRSS:\s+(\d+)/.exec(tryRead(`/proc/${id}/status`))?.[1] ?? 0));
}

/** Processor time that a process and its descendants have used, in microseconds. Linux only; 0 elsewhere. */
export function processorUs(pid: number): number {
  return sumOfTree(pid, (id) => {
    const tasks = readdirSync(`/proc/${id}/task`);
    // The scheduler's own count, in nanoseconds: ticks are too coarse for rounds of a second.
    const ns = tasks.map((task) => Number(tryRead(`/proc/${id}/task/${task}/schedstat`).split(" ", 1)[0]));
    return ns.reduce((sum, value) => sum + value, 0) / 1_000;
  });
}

/** Of one process alone: how long its threads have run, and how long its first thread has waited for a core. Linux only. */
export function scheduledMs(pid: number): { ranMs: number; waitedMs: number } {
  const fields = (path: string): number[] => tryRead(path).split(" ").map(Number);
  const ranNs = tasksOf(pid).reduce(
    (sum, task) => sum + (fields(`/proc/${pid}/task/${task}/schedstat`)[0] ?? 0),
    0,
  );
  return { ranMs: ranNs / 1e6, waitedMs: (fields(`/proc/${pid}/schedstat`)[1] ?? 0) / 1e6 };
}

function tasksOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function sumOfTree(pid: number, valueOf: (pid: number) => number): number {
  try {
    const children = new Map<number, number[]>();
    for (const name of readdirSync("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      const parent = Number(statFields(Number(name))[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    }
    const total = (id: number): number =>
      valueOf(id) + (children.get(id) ?? []).reduce((sum, child) => sum + total(child), 0);
    return total(pid);
  } catch {
    return 0;
  }
}

/** Fields of `/proc/PID/stat` after the name, which may hold spaces. */
function statFields(pid: number): string[] {
  const stat = tryRead(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function tryRead(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
