// The system under test, as a user starts it: `isthmus serve`, `isthmus agent` and the other commands as processes.
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { freePorts, startProgram, type Program } from "./process.ts";

const cli = resolve(import.meta.dirname, "../../cli/isthmus.mjs");

export interface System {
  readonly program: Program;
  readonly directory: string;
  readonly dataDirectory: string;
  readonly controlPort: number;
  readonly tunnelPort: number;
  /** Runs an `isthmus` command against this system. */
  run(...args: string[]): Promise<CommandResult>;
  /** Writes a file beside the configuration and returns its path. */
  file(name: string, content: string): Promise<string>;
  stop(): Promise<void>;
}

export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
}

export function runIsthmus(args: string[]): Promise<CommandResult> {
  return new Promise((done) => {
    execFile(process.execPath, [cli, ...args], (error, stdout, stderr) =>
      done({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
    );
  });
}

export interface SystemOptions {
  /** False: no port for agents. */
  readonly tunnel?: boolean;
  /** Files beside the configuration, by name. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Starts `isthmus serve -f` with `config` and waits for `ready`. */
export async function startSystem(
  config: string,
  flags: string[] = [],
  { tunnel = true, files = {} }: SystemOptions = {},
): Promise<System> {
  const directory = await mkdtemp(join(tmpdir(), "isthmus-e2e-"));
  const [controlPort, tunnelPort] = (await freePorts(2)) as [number, number];
  const file = async (name: string, content: string): Promise<string> => {
    const path = join(directory, name);
    await writeFile(path, content);
    return path;
  };
  for (const [name, content] of Object.entries(files)) await file(name, content);
  const dataDirectory = join(directory, "data");
  const program = startProgram([
    cli,
    "serve",
    "-f",
    await file("isthmus.yaml", config),
    "--data",
    dataDirectory,
    "--control",
    String(controlPort),
    ...(tunnel ? ["--tunnel", String(tunnelPort)] : []),
    ...flags,
  ]);
  const stop = async (): Promise<void> => {
    await program.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await program.printed(/^ready$/m, 60_000);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    program,
    directory,
    dataDirectory,
    controlPort,
    tunnelPort,
    run: (...args) => runIsthmus([...args, "--data", dataDirectory]),
    file,
    stop,
  };
}

/** Joins and starts an agent of `tunnel` for a system on this machine; waits until it is connected. */
export async function startAgent(
  system: System,
  tunnel: string,
  name = "agent",
  flags: string[] = [],
): Promise<Program> {
  const joined = await system.run("token", "join", "--tunnel", tunnel);
  if (joined.code !== 0) throw new Error(`isthmus token join: ${joined.stderr}`);
  const agent = startProgram([
    cli,
    "agent",
    "--edge",
    `https://localhost:${system.tunnelPort}`,
    "--tunnel",
    tunnel,
    "--join-token-file",
    await system.file(`${name}-token`, joined.stdout.trim()),
    "--ca-file",
    join(system.dataDirectory, "ca.pem"),
    "--allow",
    "127.0.0.0/8",
    "--data",
    join(system.directory, name),
    "--instance",
    name,
    ...flags,
  ]);
  await agent.printed(/"ready"|\bready\b/, 30_000);
  return agent;
}
