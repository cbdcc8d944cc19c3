// One load run against one address, by wrk where the machine has it, else by the generator beside this file.
import { execFile, type ChildProcess } from "node:child_process";
import { resolve } from "node:path";
import { available, loadCore } from "../process.ts";
import type { BulkLoad, BulkResult } from "./bulk-load.ts";
import type { HeldStreams } from "./held-streams.ts";
import type { SteadyLoad, SteadySample } from "./steady-load.ts";

export interface LoadRequest {
  url: string;
  host: string;
  headers?: Readonly<Record<string, string>>;
  connections: number;
  seconds: number;
}

export interface LoadResult {
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Answers other than 2xx, and broken connections. */
  failures: number;
}

export const generator = available("wrk") ? "wrk" : "bench/load/node-load.ts";

export async function load(request: LoadRequest): Promise<LoadResult> {
  return generator === "wrk" ? parseWrk(await runWrk(request)) : runNode(request);
}

function run(command: string, args: string[], started?: (child: ChildProcess) => void): Promise<string> {
  const pinned = available("taskset")
    ? ["taskset", "-c", String(loadCore), command, ...args]
    : [command, ...args];
  return new Promise((done, fail) => {
    const child = execFile(pinned[0]!, pinned.slice(1), { maxBuffer: 1 << 24 }, (error, stdout, stderr) =>
      error ? fail(new Error(`${command}: ${stderr || error.message}`)) : done(stdout),
    );
    started?.(child);
  });
}

function runWrk({ url, host, headers = {}, connections, seconds }: LoadRequest): Promise<string> {
  const fields = Object.entries({ Host: host, ...headers }).flatMap(([name, value]) => [
    "-H",
    `${name}: ${value}`,
  ]);
  return run("wrk", ["-t1", `-c${connections}`, `-d${seconds}s`, "--latency", ...fields, url]);
}

async function runNode(request: LoadRequest): Promise<LoadResult> {
  return JSON.parse(await runScript("node-load.ts", request)) as LoadResult;
}

function runScript(name: string, input: object, started?: (child: ChildProcess) => void): Promise<string> {
  return run(process.execPath, [resolve(import.meta.dirname, name), JSON.stringify(input)], started);
}

export async function bulkLoad(transfers: BulkLoad): Promise<BulkResult> {
  return JSON.parse(await runScript("bulk-load.ts", transfers)) as BulkResult;
}

/** Resolves when all of them are open. */
export async function holdStreams(streams: HeldStreams): Promise<{ stop(): Promise<void> }> {
  let child: ChildProcess;
  const ended = runScript("held-streams.ts", streams, (started) => (child = started));
  await Promise.race([new Promise((held) => child.stdout!.once("data", held)), ended]);
  return {
    async stop() {
      child.stdin!.end();
      await ended;
    },
  };
}

/** Requests at fixed times until it is stopped. Resolves to each with its latency. */
export function steadyLoad(request: SteadyLoad): { stop(): Promise<SteadySample[]> } {
  let input: ChildProcess["stdin"];
  const samples = runScript("steady-load.ts", request, ({ stdin }) => (input = stdin));
  return {
    stop: async () => {
      input?.end();
      return JSON.parse(await samples) as SteadySample[];
    },
  };
}

const unitMs: Record<string, number> = { us: 0.001, ms: 1, s: 1000, m: 60_000 };

function parseWrk(text: string): LoadResult {
  const latencyMs = (percentile: string): number => {
    const found = new RegExp(`${percentile}%\\s+([0-9.]+)(us|ms|s|m)`).exec(text);
    return found ? Number(found[1]) * unitMs[found[2]!]! : Number.NaN;
  };
  const sockets = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text);
  return {
    requestsPerSecond: Number(/Requests\/sec:\s+([0-9.]+)/.exec(text)?.[1] ?? Number.NaN),
    p50Ms: latencyMs("50"),
    p99Ms: latencyMs("99"),
    failures:
      Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0) +
      (sockets?.slice(1).reduce((sum, count) => sum + Number(count), 0) ?? 0),
  };
}
