// The process that the user started: checks everything that can be checked, binds the sockets, and hands them to the
// supervisor. Node accepts on any server it knows, so the supervisor must be a child that gets bare descriptors.
import { spawn, type ChildProcess } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { loadConfig } from "#config/load.ts";
import { redactKeys } from "#config/redact-keys.ts";
import { readAuthorityFiles } from "../authority-files.ts";
import { CommandError, exitCodes } from "../command-error.ts";
import { certificateSource, diagnosticCount, diagnosticText, readConfigFiles } from "../config-files.ts";
import { bindSockets } from "./bind-sockets.ts";
import { clientTrusts } from "./client-trust.ts";
import { openDataDirectory } from "./data-directory.ts";
import { checkDataLock } from "./data-lock.ts";
import { developmentCertificate } from "./dev-certificate.ts";
import { prepareEndpointTls } from "./endpoint-certificates.ts";
import { installWorkers } from "./install-workers.ts";
import { developmentNames, listenerCertificates } from "./listener-certificates.ts";
import type { ServeOptions } from "./serve-options.ts";
import { planSockets } from "./socket-plan.ts";
import type { SupervisorTask } from "./supervisor-message.ts";

const entry = join(import.meta.dirname, "supervisor-main.ts");

/** First descriptor in the supervisor after standard input, output, error and the channel. */
const firstSocketFd = 4;

/** Runs the system until a signal ends it. Resolves to the exit code. Throws `CommandError` before anything runs. */
export async function launch(options: ServeOptions, log: (line: string) => void): Promise<number> {
  const { supervisor, runDirectory } = await start(options, log);
  try {
    return await attend(supervisor, log);
  } finally {
    await rm(runDirectory, { recursive: true, force: true });
  }
}

interface Started {
  readonly supervisor: ChildProcess;
  readonly runDirectory: string;
}

/** A function of its own, so that the configuration (200 MB of 10,000 routes) is not held while the system runs. */
async function start(options: ServeOptions, log: (line: string) => void): Promise<Started> {
  const sources = await readConfigFiles(options.files);
  const { model, snapshot, diagnostics } = loadConfig(sources, {
    isolate: options.isolate,
    certificates: certificateSource(options.files),
  });
  if (diagnostics.length > 0) log(diagnosticText(diagnostics).trimEnd());
  if (!model || !snapshot || (options.strict && diagnostics.length > 0)) {
    throw new CommandError("invalid", `the configuration is not valid: ${diagnosticCount(diagnostics)}`);
  }
  if (options.authority) await readAuthorityFiles(options.authority);
  await checkDataLock(options.dataDirectory);
  const directory = await openDataDirectory(options.dataDirectory);
  try {
    const devCertificate = options.devTls
      ? await developmentCertificate(directory.root, developmentNames(snapshot), Date.now())
      : undefined;
    const certificates = await listenerCertificates(model.listeners, {
      configFiles: options.files,
      devCertificate,
      inlineDirectory: directory.run,
    });
    const trusts = await clientTrusts(model.listeners, options.files);
    await prepareEndpointTls(model.backends, options.files, directory.endpointKeys);
    const modules = { gateway: "gateway.js", control: "control.js" };
    await installWorkers(directory.run, modules, log);
    const plan = planSockets(snapshot.listeners, options, directory.run);
    const { bound, close } = await bindSockets(plan.sockets);
    const supervisor = spawn(process.execPath, [entry], {
      stdio: ["ignore", "inherit", "inherit", "ipc", ...bound.map(({ fd }) => fd)],
      // A process group of its own: Ctrl-C reaches only the launcher, and the group can be ended as a whole.
      detached: true,
    });
    close();
    const sockets = bound.map(({ socket }, index) => ({ ...socket, fd: firstSocketFd + index }));
    const task: SupervisorTask = {
      options,
      directory,
      sources: redactKeys(sources),
      ports: plan.ports,
      sockets,
      certificates,
      trusts,
      modules,
    };
    supervisor.send(task, () => {});
    return { supervisor, runDirectory: directory.run };
  } catch (error) {
    await rm(directory.run, { recursive: true, force: true });
    throw error;
  }
}

/** Ctrl-C reaches the whole group, and a parent in it (cli/isthmus.mjs, npm, timeout) passes it on once more. */
const samePressMs = 1_000;

/** Passes signals on, and sees to it that nothing outlives the supervisor. A second Ctrl-C does not wait. */
function attend(supervisor: ChildProcess, log: (line: string) => void): Promise<number> {
  let askedAtMs: number | undefined;
  const stop = (): void => {
    const nowMs = Date.now();
    if (askedAtMs === undefined) {
      askedAtMs = nowMs;
      supervisor.kill("SIGTERM");
    } else if (nowMs - askedAtMs > samePressMs) killGroup(supervisor);
  };
  const passOn = (signal: NodeJS.Signals): boolean => supervisor.kill(signal);
  process.on("SIGINT", stop).on("SIGTERM", stop).on("SIGHUP", passOn).on("SIGUSR2", passOn);
  return new Promise((done) => {
    supervisor.once("exit", (code, signal) => {
      process.off("SIGINT", stop).off("SIGTERM", stop).off("SIGHUP", passOn).off("SIGUSR2", passOn);
      killGroup(supervisor);
      if (signal && askedAtMs === undefined)
        log(`the supervisor was ended by ${signal}; its processes were stopped`);
      done(code ?? exitCodes.failure);
    });
  });
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // The group is empty: everything had ended.
  }
}
