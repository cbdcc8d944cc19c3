// Process entry of the front door: TLS for HTTPS listeners, or for the tunnel's. It knows nothing but what the
// supervisor sends it: sockets, certificates, where to forward. It ends with the supervisor.
import { openListener, type Listener } from "./listener.ts";
import type { FrontDoorCommand, FrontDoorEvent } from "./settings.ts";

let open: Promise<Listener[]> | undefined;

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
    if (open) return update(await open, command.listeners);
    open = Promise.all(command.listeners.map((settings) => openListener(settings, log)));
    await open;
    tell({ type: "listening" });
  } catch (error) {
    tell({ type: "failed", message: error instanceof Error ? error.message : String(error) });
  }
}

function update(
  listeners: Listener[],
  settings: Extract<FrontDoorCommand, { type: "configure" }>["listeners"],
): void {
  for (const [index, listener] of listeners.entries()) {
    const next = settings[index];
    if (next) listener.update(next);
  }
}
