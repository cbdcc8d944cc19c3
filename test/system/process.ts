// Real processes for the tests that cross programs: started on ports from the system, ended by the test that began them.
import { spawn, type ChildProcess } from "node:child_process";
import { createServer, type Server } from "node:net";

export interface Program {
  readonly child: ChildProcess;
  /** Everything printed so far on both outputs. */
  output(): string;
  /** Resolves when the output matches; rejects with the output when the program ends or `timeoutMs` passes first. */
  printed(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
  /** Resolves with the exit code, or the signal's name. */
  readonly exited: Promise<number | NodeJS.Signals>;
  stop(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals>;
}

export function startProgram(
  args: string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Program {
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
  });
  let text = "";
  const watchers = new Set<() => void>();
  const keep = (chunk: Buffer): void => {
    text += chunk.toString();
    for (const watcher of watchers) watcher();
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const exited = new Promise<number | NodeJS.Signals>((done) => {
    child.once("exit", (code, signal) => {
      done(code ?? signal ?? -1);
      for (const watcher of watchers) watcher();
    });
  });
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return {
    child,
    output: () => text,
    exited,
    printed: (pattern, timeoutMs = 50_000) =>
      new Promise((done, fail) => {
        const finish = (act: () => void): void => {
          watchers.delete(look);
          clearTimeout(timer);
          act();
        };
        const look = (): void => {
          const found = pattern.exec(text);
          if (found) finish(() => done(found));
          else if (ended()) finish(() => fail(new Error(`ended before it printed ${pattern}:\n${text}`)));
        };
        const timer = setTimeout(
          () => finish(() => fail(new Error(`did not print ${pattern} in ${timeoutMs} ms:\n${text}`))),
          timeoutMs,
        );
        watchers.add(look);
        look();
      }),
    stop: async (signal = "SIGTERM") => {
      if (!ended()) child.kill(signal);
      return exited;
    },
  };
}

/** Below those that the kernel gives to outgoing connections, which would take a port between its choice and its use. */
const lowestPort = 12_000;
const portsPerWorker = 2_500;
const workers = 8;
const given = new Set<number>();

/** Ports that were free a moment ago; all different, and none that another worker of the run or an earlier call got. */
export async function freePorts(count: number): Promise<number[]> {
  const worker = Number(process.env["VITEST_POOL_ID"] ?? 1) % workers;
  const held = new Map<number, Server>();
  while (held.size < count) {
    if (given.size >= portsPerWorker) given.clear();
    const port = lowestPort + worker * portsPerWorker + Math.floor(Math.random() * portsPerWorker);
    if (given.has(port)) continue;
    given.add(port);
    const server = await listening(port);
    if (server) held.set(port, server);
  }
  await Promise.all([...held.values()].map((server) => new Promise((done) => server.close(done))));
  return [...held.keys()];
}

/** On every address; `undefined`: somebody else does. */
function listening(port: number): Promise<Server | undefined> {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(undefined));
    server.listen(port, () => done(server));
  });
}

/** Asks until the answer is there, at most `timeoutMs`; for states that nothing announces. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
  timeoutMs = 50_000,
): Promise<T> {
  const deadlineMs = Date.now() + timeoutMs;
  let last: unknown;
  while (Date.now() < deadlineMs) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      last = error;
    }
    await new Promise((done) => setTimeout(done, 25));
  }
  throw new Error(`not within ${timeoutMs} ms: ${what}${last ? ` (${String(last)})` : ""}`);
}
