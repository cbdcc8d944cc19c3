// Starts the process of a hub's shard on inherited sockets.
import { spawn } from "node:child_process";
import { join } from "node:path";
import type { HubEvent, HubSettings, HubSocket } from "./hub/settings.ts";
import { collectorFlag } from "./hub/transfer-garbage.ts";
import type { StartedChild } from "./kept-process.ts";
import { logLines } from "./log-lines.ts";
import type { InheritedSocket } from "./supervisor-message.ts";

const entry = join(import.meta.dirname, "hub/main.ts");

/** First descriptor after standard input, output, error and Node's channel. */
const firstSocketFd = 4;

export interface HubSpec {
  readonly name: string;
  readonly sockets: readonly InheritedSocket[];
  readonly settings: Omit<HubSettings, "fds">;
}

export function startHubProcess(
  { name, sockets, settings }: HubSpec,
  log: (line: string) => void,
): StartedChild {
  const fds = Object.fromEntries(sockets.map((socket, index) => [socket.name, firstSocketFd + index]));
  const own: HubSettings = { ...settings, fds: fds as Record<HubSocket, number> };
  const child = spawn(process.execPath, [collectorFlag, entry, JSON.stringify(own)], {
    stdio: ["ignore", "pipe", "pipe", "ipc", ...sockets.map(({ fd }) => fd)],
  });
  const say = (line: string): void => log(`${name}: ${line}`);
  logLines(child.stdout, say);
  logLines(child.stderr, say);
  const ready = new Promise<void>((done, fail) => {
    child.once("message", (_event: HubEvent) => done());
    child.once("error", (error) => fail(new Error(`cannot start ${name}: ${error.message}`)));
    child.once("exit", () => fail(new Error(`${name} ended before it served; its messages are above`)));
  });
  return { child, ready };
}
