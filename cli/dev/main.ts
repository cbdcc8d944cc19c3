// `npm run dev`: both Workers under `wrangler dev`, offline and quiet, each on a port of its own, joined through
// wrangler's local registry. Secrets for development are made once, in control/.dev.vars, where wrangler looks for them.
import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Command } from "commander";
import { AdminClient, RefusedError } from "../admin-client.ts";
import { CommandError, exitCodes } from "../command-error.ts";
import type { SourceFile } from "#contract/admin.ts";
import { errorCodeHeader, type ErrorCode } from "#contract/error.ts";
import { wholeNumber } from "../command/arguments.ts";
import { packageRoot } from "../installation.ts";
import { adminTokenPath, controlFilePath } from "../local-system.ts";
import { loadInChild } from "../serve/loaded-config.ts";

/** So that the other commands find the control: `isthmus status --data .wrangler/isthmus`. */
const dataDirectory = join(packageRoot, ".wrangler/isthmus");
const varsFile = join(packageRoot, "control/.dev.vars");
const startTimeoutMs = 60_000;

interface DevFlags {
  port: number;
  controlPort: number;
  file: string;
  verbose: boolean;
}

const port = wholeNumber(1, 65_535);
const command = new Command("npm run dev --")
  .description("Both Workers under `wrangler dev`.")
  .option("--port <port>", "gateway", port, 8787)
  .option("--control-port <port>", "admin API", port, 8788)
  .option(
    "-f, --file <file>",
    "published if there is no version yet",
    join(packageRoot, "examples/dev/isthmus.yaml"),
  )
  .option("--verbose", "show what wrangler and the Workers log", false)
  .action(run);
try {
  await command.parseAsync();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof CommandError && error.remedy) console.error(`    ${error.remedy}`);
  process.exit(error instanceof CommandError ? error.exitCode : exitCodes.failure);
}

async function run(flags: DevFlags): Promise<void> {
  // Before anything is started: what is wrong with the file is no reason to look into wrangler's output.
  const { sources } = await loadInChild({ files: [flags.file], isolate: false, strict: false }, (line) =>
    console.error(line),
  );
  const token = readDevToken();
  const children = [
    wrangler("control/wrangler.toml", flags.controlPort, flags.verbose),
    wrangler("wrangler.toml", flags.port, flags.verbose),
  ];
  const stop = (): void => children.forEach((child) => child.kill("SIGINT"));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  // One without the other is of no use.
  for (const child of children) child.once("exit", stop);
  try {
    await serve(flags, token, sources, children);
  } catch (error) {
    stop();
    throw error;
  }
}

/** Resolves when both answer, and there is something to serve. */
async function serve(
  flags: DevFlags,
  token: string,
  files: readonly SourceFile[],
  children: readonly ChildProcess[],
): Promise<void> {
  const client = new AdminClient({ url: `http://localhost:${flags.controlPort}`, token });
  await until(children, async () => Boolean(await client.status()));
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  writeFileSync(adminTokenPath(dataDirectory), token, { mode: 0o600 });
  writeFileSync(controlFilePath(dataDirectory), JSON.stringify({ url: client.url }));
  const { versions } = await client.versions({ limit: 1 });
  if (versions.length === 0) await client.publish({ files: [...files], reason: "npm run dev" });
  const gateway = `http://localhost:${flags.port}`;
  await until(children, () => hasConfiguration(gateway));
  console.log(`gateway  ${gateway}
control  ${client.url}
  npx isthmus apply -f FILE --data .wrangler/isthmus
  npx isthmus status --data .wrangler/isthmus`);
}

function wrangler(config: string, listenPort: number, verbose: boolean): ChildProcess {
  const args = ["dev", "-c", config, "--port", String(listenPort), "--inspector-port", "0"];
  const quiet = ["--log-level", "warn", "--show-interactive-dev-session=false"];
  return spawn(
    join(packageRoot, "node_modules/.bin/wrangler"),
    [...args, ...(verbose ? quiet.slice(2) : quiet)],
    {
      cwd: packageRoot,
      stdio: ["ignore", "inherit", "inherit"],
      env: {
        ...process.env,
        WRANGLER_SEND_METRICS: "false",
        WRANGLER_HIDE_BANNER: "true",
        // The placeholder of `request.cf` would be fetched from the internet.
        CLOUDFLARE_CF_FETCH_ENABLED: "false",
      },
    },
  );
}

/** Asks until the answer is true; gives up when a process has ended, or on a refusal that will not change. */
async function until(children: readonly ChildProcess[], ask: () => Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + startTimeoutMs;
  for (;;) {
    try {
      if (await ask()) return;
    } catch (error) {
      if (error instanceof RefusedError || Date.now() > deadlineMs) throw error;
    }
    if (Date.now() > deadlineMs || children.some(({ exitCode }) => exitCode !== null)) {
      throw new CommandError("failure", "wrangler dev did not come up", {
        remedy: "See why with --verbose.",
      });
    }
    await delay(200);
  }
}

async function hasConfiguration(gateway: string): Promise<boolean> {
  const response = await fetch(gateway, { signal: AbortSignal.timeout(5_000) });
  await response.body?.cancel();
  return response.headers.get(errorCodeHeader) !== ("config_unavailable" satisfies ErrorCode);
}

/** The admin token of control/.dev.vars, which is written on first use. */
function readDevToken(): string {
  if (!existsSync(varsFile)) {
    const secret = (): string => randomBytes(24).toString("base64url");
    writeFileSync(varsFile, `ADMIN_TOKEN=${secret()}\nCA_KEY_SECRET=${secret()}\n`, { mode: 0o600 });
  }
  const token = /^ADMIN_TOKEN=(.+)$/m.exec(readFileSync(varsFile, "utf8"))?.[1];
  if (token === undefined) throw new Error(`${varsFile} has no ADMIN_TOKEN; remove it to have it made again`);
  return token.trim();
}
