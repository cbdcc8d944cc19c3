// Starts one front-door process on inherited sockets, and tells it its certificates.
import { spawn, type ChildProcess } from "node:child_process";
import { rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { join } from "node:path";
import type {
  FrontDoorCommand,
  FrontDoorEvent,
  ListenerSettings,
  PassedConnection,
} from "./front-door/settings.ts";
import { keepRunning, type KeptProcess, type StartedChild } from "./kept-process.ts";
import { logLines } from "./log-lines.ts";
import { informationalSocket } from "./socket-plan.ts";
import type { InheritedSocket } from "./supervisor-message.ts";

const entry = join(import.meta.dirname, "front-door/main.ts");

/** First descriptor after standard input, output, error and Node's channel. */
const firstSocketFd = 4;

/** Settings of a listener, with its sockets by name instead of by descriptor. */
export type DoorListener = Omit<ListenerSettings, "fds"> & { readonly sockets: readonly InheritedSocket[] };

export interface FrontDoor extends KeptProcess {
  /** Certificates or trust have changed; the process keeps running. */
  configure(listeners: readonly DoorListener[]): void;
  /** Resolves when what was on its way to the process behind has been written. Never rejects. */
  flush(): Promise<void>;
  drain(graceMs: number): Promise<void>;
}

/** Gets a connection that the front door gives away. */
export type TakeConnection = (connection: PassedConnection, socket: Socket) => void;

export interface FrontDoorSpec {
  readonly name: string;
  readonly listeners: readonly DoorListener[];
  /** Where it opens a socket for informational answers; absent: it takes none. */
  readonly runDirectory?: string;
  /** Absent: it gives none away. */
  readonly take?: TakeConnection;
}

export function keepFrontDoor(spec: FrontDoorSpec, log: (line: string) => void): FrontDoor {
  let latest = spec.listeners;
  const kept = keepRunning(spec.name, () => start({ ...spec, listeners: latest }, log), log);
  return {
    ...kept,
    configure(next) {
      latest = next;
      const child = kept.current();
      if (child) send(child, { type: "configure", listeners: withFds(next) });
    },
    async flush() {
      const child = kept.current();
      if (child?.connected) await flushed(child);
    },
    drain: (graceMs) => kept.stop(graceMs, (child) => send(child, { type: "drain" })),
  };
}

function start(
  { name, listeners, runDirectory, take = closeConnection }: FrontDoorSpec,
  log: (line: string) => void,
): StartedChild {
  const child = spawn(process.execPath, [entry], {
    stdio: ["ignore", "pipe", "pipe", "ipc", ...allSockets(listeners).map(({ fd }) => fd)],
  });
  const say = (line: string): void => log(`${name}: ${line}`);
  logLines(child.stdout, say);
  logLines(child.stderr, say);
  const ready = new Promise<void>((done, fail) => {
    child.on("message", (event: FrontDoorEvent, socket?: Socket) => {
      if (event.type === "listening") return done();
      if (event.type === "flushed") return;
      // It comes without a socket where that has broken meanwhile.
      if (event.type === "connection") return socket && take(event, socket);
      say(event.message);
      fail(new Error(`${name}: ${event.message}`));
    });
    child.once("error", (error) => fail(new Error(`cannot start ${name}: ${error.message}`)));
    child.once("exit", () => fail(new Error(`${name} ended before it served`)));
  });
  send(child, {
    type: "configure",
    listeners: withFds(listeners),
    ...(runDirectory !== undefined && { informationalSocket: ownSocket(child, name, runDirectory) }),
  });
  return { child, ready };
}

/** Of this run alone: its successor serves beside it, and what is for one of them must not reach the other. */
function ownSocket(child: ChildProcess, name: string, runDirectory: string): string {
  const path = informationalSocket(runDirectory, `${name}-${child.pid}`);
  child.once("exit", () => void rm(path, { force: true }));
  return path;
}

function flushed(child: ChildProcess): Promise<void> {
  return new Promise((done) => {
    const heard = (event: FrontDoorEvent): void => {
      if (event.type === "flushed") over();
    };
    const over = (): void => {
      child.off("message", heard).off("exit", over);
      done();
    };
    child.on("message", heard).once("exit", over);
    send(child, { type: "flush" });
  });
}

function closeConnection(_connection: PassedConnection, socket: Socket): void {
  socket.destroy();
}

function allSockets(listeners: readonly DoorListener[]): InheritedSocket[] {
  return listeners.flatMap(({ sockets }) => sockets);
}

/** The child's descriptors follow the order of {@link allSockets}. */
function withFds(listeners: readonly DoorListener[]): ListenerSettings[] {
  let next = firstSocketFd;
  return listeners.map(({ sockets, ...settings }) => ({ ...settings, fds: sockets.map(() => next++) }));
}

function send(child: ChildProcess, command: FrontDoorCommand): void {
  // A child that is just ending has closed its channel; its successor gets the latest settings.
  if (child.connected) child.send(command, () => {});
}
