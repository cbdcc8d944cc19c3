// Starts the process of a hub's shard on inherited sockets, and tells it what becomes known later.
import { spawn, type ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import { join } from "node:path";
import type { HubCommand, HubEvent, HubSettings, HubSocket, TunnelTls } from "./hub/settings.ts";
import { collectorFlag } from "./hub/transfer-garbage.ts";
import type { StartedChild } from "./kept-process.ts";
import { logLines } from "./log-lines.ts";
import { stopReading } from "./stop-reading.ts";
import type { InheritedSocket } from "./supervisor-message.ts";

const entry = join(import.meta.dirname, "hub/main.ts");

/** First descriptor after standard input, output, error and Node's channel. */
const firstSocketFd = 4;

/** Connections on their way to one process, beyond which agents are sent away: they come again. */
const maxPassing = 64;
const passing = new WeakMap<ChildProcess, Set<Socket>>();

export interface HubSpec {
  readonly name: string;
  /** Absent: it is told later. */
  readonly tls: TunnelTls | undefined;
  readonly sockets: readonly InheritedSocket[];
  readonly settings: Omit<HubSettings, "fds">;
}

export function startHubProcess(
  { name, sockets, settings, tls }: HubSpec,
  log: (line: string) => void,
): StartedChild {
  const fds = Object.fromEntries(sockets.map((socket, index) => [socket.name, firstSocketFd + index]));
  const own: HubSettings = { ...settings, fds: fds as Record<HubSocket, number> };
  const child = spawn(process.execPath, [collectorFlag, entry, JSON.stringify(own)], {
    stdio: ["ignore", "pipe", "pipe", "ipc", ...sockets.map(({ fd }) => fd)],
  });
  if (tls) tellHub(child, tls);
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

/** TLS of agents from now on. */
export function tellHub(child: ChildProcess, tls: TunnelTls): void {
  if (child.connected) child.send({ type: "tls", ...tls } satisfies HubCommand, () => {});
}

/**
 * Gives it the connection of an agent, `start` being what has been read of that. A process that has just ended, or that
 * takes nothing, gets none: the connection is closed, and the agent comes again.
 */
export function passToHub(child: ChildProcess | undefined, start: string, socket: Socket): void {
  stopReading(socket);
  if (!child?.connected) return void socket.destroy();
  const waiting = waitingFor(child);
  if (waiting.size >= maxPassing) return void socket.destroy();
  waiting.add(socket);
  child.send({ type: "connection", start } satisfies HubCommand, socket, {}, () => {
    waiting.delete(socket);
    // This process's own end of it, which the one that accepted counts.
    socket.destroy();
  });
}

function waitingFor(child: ChildProcess): Set<Socket> {
  const known = passing.get(child);
  if (known) return known;
  const waiting = new Set<Socket>();
  passing.set(child, waiting);
  child.once("exit", () => {
    for (const socket of waiting) socket.destroy();
  });
  return waiting;
}
