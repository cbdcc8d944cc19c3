// Starts one workerd process on inherited sockets.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { InheritedSocket } from "./supervisor-message.ts";
import type { StartedChild } from "./kept-process.ts";
import { logLines } from "./log-lines.ts";

export interface WorkerdSpec {
  readonly name: string;
  /** Directory of the configuration file and of the bundles that it embeds. */
  readonly run: string;
  readonly config: string;
  readonly sockets: readonly InheritedSocket[];
  readonly env: NodeJS.ProcessEnv;
  /** `inherit`: what the Worker prints with console.log goes to our standard output as it is (the access log). */
  readonly stdout: "inherit" | "log";
}

/** The package's own answer to where its binary is; `bin/workerd` may be a Node program in between. */
const workerd = (createRequire(import.meta.url)("workerd") as { default: string }).default;

/** What workerd needs to know of our environment: time zone, and where the system's certificates are. */
const passedVariables = ["TZ", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/**
 * workerd's allocator (TCMalloc) keeps its caches by processor where it may register the kernel's restartable sequences
 * itself, which glibc would do before it. Otherwise it keeps them by thread: 5 to 7 % of a request's processor time.
 */
const allocatorTunable = "glibc.pthread.rseq=0";

/** First descriptor after standard input, output, error and the control channel. */
const firstSocketFd = 4;

export function startWorkerd(spec: WorkerdSpec, log: (line: string) => void): StartedChild {
  const file = join(spec.run, `${spec.name}.capnp`);
  writeFileSync(file, spec.config, { mode: 0o600 });
  const flags = spec.sockets.flatMap(({ name }, index) => [
    "--socket-fd",
    `${name}=${firstSocketFd + index}`,
  ]);
  const child = spawn(workerd, ["serve", file, "--control-fd", "3", ...flags], {
    cwd: spec.run,
    env: { ...passedEnvironment(), ...spec.env },
    stdio: [
      "ignore",
      spec.stdout === "inherit" ? "inherit" : "pipe",
      "pipe",
      "pipe",
      ...spec.sockets.map(({ fd }) => fd),
    ],
  });
  const say = (line: string): void => log(`${spec.name}: ${line}`);
  logLines(child.stdout, say);
  logLines(child.stderr, say);
  return { child, ready: listening(child, spec) };
}

/** workerd reports each socket on its control channel once it accepts connections there. */
function listening(child: StartedChild["child"], { name, sockets }: WorkerdSpec): Promise<void> {
  return new Promise((done, fail) => {
    const open = new Set<string>();
    logLines(child.stdio[3] as Readable, (line) => {
      const { event, socket } = JSON.parse(line) as { event: string; socket?: string };
      if (event === "listen" && socket !== undefined) open.add(socket);
      if (open.size === sockets.length) done();
    });
    child.once("error", (error) => fail(new Error(`cannot start workerd for ${name}: ${error.message}`)));
    child.once("exit", () => fail(new Error(`${name} ended before it served; its messages are above`)));
  });
}

function passedEnvironment(): NodeJS.ProcessEnv {
  const passed = passedVariables.flatMap((name) =>
    process.env[name] === undefined ? [] : [[name, process.env[name]]],
  );
  return { ...Object.fromEntries(passed), GLIBC_TUNABLES: allocatorTunable };
}
