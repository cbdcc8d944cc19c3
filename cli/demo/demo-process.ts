// The programs of the demo as child processes: each in a group of its own, so that Ctrl-C reaches only us and we end
// them in order; each with a channel, so that it ends even when we are killed.
import { spawn, type ChildProcess } from "node:child_process";
import { CommandError } from "../command-error.ts";

export interface DemoProcess {
  readonly name: string;
  readonly child: ChildProcess;
  /** Resolves with how it ended. */
  readonly ended: Promise<string>;
  /** Resolves when a line of its standard output fits; rejects when it ends first. */
  printed(pattern: RegExp): Promise<void>;
  /** SIGTERM, then patience. */
  stop(): Promise<void>;
}

/** Lines kept for the case that it fails. */
const keptLines = 40;
const stopTimeoutMs = 20_000;

export function startDemoProcess(name: string, args: readonly string[], verbose: boolean): DemoProcess {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe", "ipc"], detached: true });
  const kept: string[] = [];
  const watchers = new Set<(line: string) => void>();
  for (const stream of [child.stdout, child.stderr]) {
    let rest = "";
    stream?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        kept.push(line);
        if (kept.length > keptLines) kept.shift();
        if (verbose) process.stderr.write(`${name}: ${line}\n`);
        for (const watcher of watchers) watcher(line);
      }
    });
  }
  const ended = new Promise<string>((done) => {
    child.once("error", (error) => done(error.message));
    child.once("close", (code, signal) => done(signal ?? `exit code ${code}`));
  });
  return {
    name,
    child,
    ended,
    printed: (pattern) =>
      new Promise((done, fail) => {
        watchers.add((line) => pattern.test(line) && done());
        void ended.then((how) =>
          fail(new CommandError("failure", `${name} ended (${how})\n${kept.join("\n")}`)),
        );
      }),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMs);
      await ended;
      clearTimeout(timer);
    },
  };
}
