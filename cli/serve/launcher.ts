// The process that the user started: checks everything that can be checked, binds the sockets, and hands them to the
// supervisor. Node accepts on any server it knows, so the supervisor must be a child that gets bare descriptors.
import { spawn, type ChildProcess } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { readAuthorityFiles } from "../authority-files.ts";
import { exitCodes } from "../command-error.ts";
import { bindSockets } from "./bind-sockets.ts";
import { clientTrusts } from "./client-trust.ts";
import { openDataDirectory } from "./data-directory.ts";
import { checkDataLock } from "./data-lock.ts";
import { developmentCertificate } from "./dev-certificate.ts";
import { prepareEndpointTls } from "./endpoint-certificates.ts";
import { installWorkers } from "./install-workers.ts";
import { listenerCertificates } from "./listener-certificates.ts";
import { loadInChild } from "./loaded-config.ts";
import type { ServeOptions } from "./serve-options.ts";
import { planSockets } from "./socket-plan.ts";
import type { SupervisorMessage, SupervisorTask } from "./supervisor-message.ts";

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

async function start(options: ServeOptions, log: (line: string) => void): Promise<Started> {
  const { modelListeners, endpointTls, listeners, developmentNames, sources } = await loadInChild(
    options,
    log,
  );
  if (options.authority) await readAuthorityFiles(options.authority);
  await checkDataLock(options.dataDirectory);
  const directory = await openDataDirectory(options.dataDirectory);
  try {
    const devCertificate = options.devTls
      ? await developmentCertificate(directory.root, [...developmentNames], Date.now())
      : undefined;
    const certificates = await listenerCertificates(modelListeners, {
      configFiles: options.files,
      devCertificate,
      inlineDirectory: directory.run,
    });
    const trusts = await clientTrusts(modelListeners, options.files);
    await prepareEndpointTls(endpointTls, options.files, directory.endpointKeys, log);
    const modules = { gateway: "gateway.js", control: "control.js" };
    await installWorkers(directory.run, modules, log);
    const plan = planSockets(listeners, options, directory.run);
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
      ports: plan.ports,
      sockets,
      certificates,
      trusts,
      modules,
    };
    const message: SupervisorMessage = { task, sources };
    supervisor.send(message, () => {});
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
