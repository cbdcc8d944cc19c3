// The heart of `isthmus serve`: starts the processes in order, keeps them running, follows the control, stops them.
import { rm, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { SourceFile, VersionOutline } from "#contract/admin.ts";
import { ownTunnel } from "#contract/snapshot.ts";
import { readAuthorityFiles } from "../authority-files.ts";
import type { AdminClient } from "../admin-client.ts";
import { CommandError } from "../command-error.ts";
import { diagnosticText } from "../config-files.ts";
import { controlFilePath, type ControlFile } from "../local-system.ts";
import { ControlFollower } from "./control-follower.ts";
import { takeDataLock } from "./data-lock.ts";
import { directEndpoints } from "./direct-endpoints.ts";
import { installWorkers } from "./install-workers.ts";
import { Processes } from "./processes.ts";
import { gatewayAnswer, regionHolds } from "./served-version.ts";
import { readyLines } from "./ready-lines.ts";
import { createReload } from "./reload.ts";
import { socketPath } from "./socket-plan.ts";
import { openSupervisorDoor, supervisorSocket } from "./supervisor-door.ts";
import type { ServeOptions } from "./serve-options.ts";
import type { SupervisorTask } from "./supervisor-message.ts";

/** Longest start, from the first process to `ready`; a cold workerd takes a fraction of a second. */
const startTimeoutMs = 60_000;

export interface Supervisor {
  /** Certificate files are read again. */
  reloadCertificates(): void;
  /** Every process is replaced by a successor; the log says how it went. */
  reload(): void;
  stop(): Promise<void>;
}

export interface Output {
  /** Standard output: listeners, `ready`. */
  say(line: string): void;
  /** Standard error. */
  log(line: string): void;
}

/** Resolves when the system is ready. Rejects, with everything stopped again, when it cannot be or is cancelled. */
export async function startSupervisor(
  task: SupervisorTask,
  sources: readonly SourceFile[],
  client: AdminClient,
  output: Output,
  cancel: AbortSignal,
): Promise<Supervisor> {
  const release = await takeDataLock(task.directory.root);
  const createJoinToken = async (): Promise<string> =>
    (await client.createJoinToken({ tunnel: ownTunnel })).token;
  const processes = new Processes(task, createJoinToken, output.log);
  const controlFile = controlFilePath(task.directory.root);
  let follower: ControlFollower | undefined;
  let door: Server | undefined;
  const reload = createReload({
    processes,
    async prepare() {
      await installWorkers(task.directory.run, task.modules, output.log);
      await follower?.reloadCertificates();
    },
    log: output.log,
  });
  const stop = async (): Promise<void> => {
    follower?.stop();
    door?.close();
    await processes.stop();
    await rm(controlFile, { force: true });
    await release();
  };
  try {
    const deadline = AbortSignal.any([cancel, AbortSignal.timeout(startTimeoutMs)]);
    await processes.startControl();
    // Before anything asks for trust, for which the control would make an authority.
    await bringAuthority(task, client, output);
    const version = await publish(sources, task.options, client, output);
    await writeFile(controlFile, `${JSON.stringify(controlFileContent(task, client.url))}\n`);
    await processes.startState();
    follower = new ControlFollower(task, client, processes, output.log);
    await follower.startTunnels(version);
    await processes.gateways.start(directEndpoints(version, task.options.connectTo));
    await processes.startFrontDoors();
    await untilServed(task, version.version, deadline);
    await follower.start(version.version);
    door = await openSupervisorDoor(task.directory.run, reload);
  } catch (error) {
    await stop();
    throw error;
  }
  for (const line of readyLines(task)) output.say(line);
  output.say("ready");
  return {
    reloadCertificates: () => void follower?.reloadCertificates(),
    reload: () => void reload([]).catch((error: Error) => output.log(error.message)),
    stop,
  };
}

/** The authority of `--ca-cert`, if there is one. It is known again at the next start. */
async function bringAuthority(
  { options }: SupervisorTask,
  client: AdminClient,
  output: Output,
): Promise<void> {
  if (!options.authority) return;
  const { signer } = await client.importAuthority(await readAuthorityFiles(options.authority));
  if (signer && signer.fromMs > Date.now()) {
    const from = new Date(signer.fromMs).toISOString();
    output.log(`the newest certificate authority is trusted now and signs from ${from} (isthmus ca show)`);
  }
}

/** Publishes the files of `-f`; resolves to the version that is current then, which may be the same as before. */
async function publish(
  sources: readonly SourceFile[],
  { files, isolate }: ServeOptions,
  client: AdminClient,
  output: Output,
): Promise<VersionOutline> {
  const reason = `serve -f ${files.join(" -f ")}`.slice(0, 1024);
  const request = { files: [...sources], reason, isolate, withChanges: false };
  const { version, unchanged } = await client.publish(request);
  const current = await client.outline();
  output.log(
    unchanged || !version
      ? `version ${current.version} is current already`
      : `published version ${version.version}`,
  );
  return current;
}

/** Waits until the region holds the version and each gateway answers from it. */
async function untilServed(task: SupervisorTask, version: number, deadline: AbortSignal): Promise<void> {
  const { run } = task.directory;
  const until = async (what: string, probe: () => Promise<boolean>): Promise<void> => {
    let last: unknown;
    while (!deadline.aborted) {
      try {
        if (await probe()) return;
      } catch (error) {
        last = error;
      }
      await delay(25);
    }
    throw new CommandError("failure", `${what} within ${startTimeoutMs / 1000} s`, { cause: last });
  };
  const statePath = socketPath(run, "state", "state");
  await until(`the state process did not get version ${version}`, () =>
    regionHolds(statePath, task.options.region, version),
  );
  for (const { process } of task.sockets.filter(({ name }) => name === "probe")) {
    await until(
      `${process} did not serve version ${version}`,
      async () => (await gatewayAnswer(socketPath(run, process, "probe"))) !== "config_unavailable",
    );
  }
}

function controlFileContent({ options, directory }: SupervisorTask, url: string): ControlFile {
  return {
    url,
    ...(options.tunnel && { tunnelUrl: `https://localhost:${options.tunnel.port}` }),
    supervisor: supervisorSocket(directory.run),
  };
}

/** What a person reads when the start failed. */
export function startFailureText(error: unknown): string {
  if (!(error instanceof CommandError)) return error instanceof Error ? error.message : String(error);
  const diagnostics = "answer" in error ? (error.answer as { diagnostics?: [] }).diagnostics : undefined;
  return [error.message, error.remedy, diagnostics && diagnosticText(diagnostics)].filter(Boolean).join("\n");
}
