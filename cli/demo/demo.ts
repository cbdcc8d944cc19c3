// `isthmus start`: pods, control, gateway and one agent on this machine, as a user would start them one by one.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { AdminClient } from "../admin-client.ts";
import { CommandError } from "../command-error.ts";
import { packageRoot } from "../installation.ts";
import { findControl } from "../local-system.ts";
import { demoBackends, demoConfig } from "./demo-config.ts";
import type { DemoOptions } from "./demo-options.ts";
import { startDemoProcess, type DemoProcess } from "./demo-process.ts";

const cli = join(packageRoot, "cli/main.ts");
const example = join(packageRoot, "examples/demo");
const tunnel = "demo";
const readyTimeoutMs = 60_000;

export interface Demo {
  readonly dataDirectory: string;
  /** Resolves when one of the processes ends by itself: the demo is broken then. */
  readonly broken: Promise<string>;
  /** Ends everything and removes what it wrote. */
  stop(): Promise<void>;
}

/** Resolves when the first request has come back from a pod. Rejects, with everything ended, when it does not come up or is cancelled. */
export async function startDemo(
  options: DemoOptions,
  say: (line: string) => void,
  cancel: AbortSignal,
): Promise<Demo> {
  const directory = await mkdtemp(join(tmpdir(), "isthmus-demo-"));
  const dataDirectory = join(directory, "data");
  const started: DemoProcess[] = [];
  const start = (name: string, args: string[]): DemoProcess => {
    const process = startDemoProcess(name, args, options.verbose);
    started.push(process);
    return process;
  };
  // What waits for a process sees it end.
  cancel.addEventListener("abort", () => started.forEach(({ child }) => child.kill("SIGTERM")));
  const stop = async (): Promise<void> => {
    // The agent first, then serve, then the pods: each finishes what the next still answers.
    for (const process of started.toReversed()) await process.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const source = await readFile(join(example, "isthmus.yaml"), "utf8");
    say("starting pods, control, gateway and agent …");
    const ports = new Map<string, number>();
    for (const name of demoBackends(source)) ports.set(name, await startPod(name, start));
    const config = join(directory, "isthmus.yaml");
    await writeFile(config, demoConfig(source, options, ports));
    const serve = start("serve", serveArgs(config, dataDirectory, options));
    await serve.printed(/^ready$/);
    const agent = start("agent", await agentArgs(directory, dataDirectory, options));
    await Promise.race([untilServed(options), agent.ended.then((how) => failed(`the agent ended (${how})`))]);
  } catch (error) {
    await stop();
    throw error;
  }
  const broken = Promise.race(
    started.map(({ name, ended }) => ended.then((how) => `${name} ended (${how})`)),
  );
  return { dataDirectory, broken, stop };
}

async function startPod(name: string, start: (name: string, args: string[]) => DemoProcess): Promise<number> {
  const pod = start(`pod ${name}`, [join(example, "pod.ts"), name]);
  const port = new Promise<number>((done) => {
    pod.child.once("message", (message: { port: number }) => done(message.port));
  });
  return Promise.race([port, pod.ended.then((how) => failed(`pod ${name} ended (${how})`))]);
}

function serveArgs(config: string, dataDirectory: string, options: DemoOptions): string[] {
  const flags = {
    "-f": config,
    "--data": dataDirectory,
    "--control": String(options.controlPort),
    "--tunnel": String(options.tunnelPort),
    "--drain-timeout": "3s",
  };
  return [cli, "serve", "--dev-tls", ...Object.entries(flags).flat()];
}

/** Joins as a real agent does: with a one-time token and the trust bundle, nothing else. */
async function agentArgs(directory: string, dataDirectory: string, options: DemoOptions): Promise<string[]> {
  const client = new AdminClient(await findControl({ data: dataDirectory }, {}));
  const { token } = await client.createJoinToken({ tunnel });
  const tokenFile = join(directory, "join-token");
  await writeFile(tokenFile, token, { mode: 0o600 });
  const flags = {
    "--edge": `https://localhost:${options.tunnelPort}`,
    "--tunnel": tunnel,
    "--join-token-file": tokenFile,
    "--ca-file": join(dataDirectory, "ca.pem"),
    "--allow": "127.0.0.1/32",
    "--data": join(directory, "agent"),
    "--instance": "demo-agent",
    "--drain-timeout": "3s",
  };
  return [cli, "agent", ...Object.entries(flags).flat()];
}

async function untilServed({ httpPort }: DemoOptions): Promise<void> {
  const deadlineMs = Date.now() + readyTimeoutMs;
  let last = "no answer";
  while (Date.now() < deadlineMs) {
    try {
      const status = await statusOf(httpPort);
      if (status === 200) return;
      last = `status ${status}`;
    } catch (error) {
      last = (error as Error).message;
    }
    await delay(100);
  }
  failed(`no request came through the tunnel: ${last}`);
}

function statusOf(port: number): Promise<number> {
  return new Promise((done, fail) => {
    const headers = { host: "www.localhost" };
    const outgoing = request({ host: "127.0.0.1", port, path: "/", headers, agent: false }, (incoming) => {
      incoming.resume();
      done(incoming.statusCode ?? 0);
    });
    outgoing.once("error", fail);
    outgoing.end();
  });
}

function failed(message: string): never {
  throw new CommandError("failure", message, {
    remedy: "Try again with --verbose to see what each process logs.",
  });
}
