// Process entry of the front door: TLS for HTTPS listeners, or for the tunnel's. It knows nothing but what the
// supervisor sends it: sockets, certificates, where to forward. It ends with the supervisor.
import { once } from "node:events";
import type { Socket } from "node:net";
import { basename } from "node:path";
import { setImmediate } from "node:timers/promises";
import { stopReading } from "../stop-reading.ts";
import { InformationalAnswers, informationalServer } from "./informational.ts";
import { openListener, type Listener } from "./listener.ts";
import type { ConfigureCommand, FrontDoorCommand, FrontDoorEvent } from "./settings.ts";

/** Connections that wait for the supervisor to take them; TLS of more ends here. */
const maxPassing = 64;

let open: Promise<Listener[]> | undefined;
let passing = 0;

const tell = (event: FrontDoorEvent): boolean => process.send?.(event) ?? false;
const log = (line: string): void => console.error(line);

process.on("message", (command: FrontDoorCommand) => void obey(command));
process.on("disconnect", () => process.exit(1));
// The supervisor decides when to end; a terminal's Ctrl-C reaches this process, too.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});

async function obey(command: FrontDoorCommand): Promise<void> {
  try {
    if (command.type === "drain") {
      await Promise.all((await (open ?? [])).map((listener) => listener.drain()));
      process.exit(0);
    }
    if (command.type === "flush") {
      await connected();
      return void tell({ type: "flushed" });
    }
    if (open) return update(await open, command.listeners);
    open = openAll(command);
    await open;
    tell({ type: "listening" });
  } catch (error) {
    tell({ type: "failed", message: error instanceof Error ? error.message : String(error) });
  }
}

async function openAll({ listeners, informationalSocket }: ConfigureCommand): Promise<Listener[]> {
  const informational =
    informationalSocket === undefined ? undefined : await openInformational(informationalSocket);
  return Promise.all(listeners.map((settings) => openListener(settings, { log, informational, passOn })));
}

async function openInformational(path: string): Promise<InformationalAnswers> {
  const answers = new InformationalAnswers(basename(path, ".sock"));
  const server = informationalServer(answers).listen(path);
  await once(server, "listening");
  return answers;
}

function passOn(shard: number, start: Buffer, socket: Socket): boolean {
  if (passing >= maxPassing || !process.connected) return false;
  passing += 1;
  stopReading(socket);
  const event: FrontDoorEvent = { type: "connection", shard, start: start.toString("base64") };
  process.send?.(event, socket, {}, () => {
    passing -= 1;
  });
  return true;
}

/** Connections to Unix sockets are there at once; the turn after that writes what was to go over them. */
async function connected(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await setImmediate();
}

function update(listeners: Listener[], settings: ConfigureCommand["listeners"]): void {
  for (const [index, listener] of listeners.entries()) {
    const next = settings[index];
    if (next) listener.update(next);
  }
}
