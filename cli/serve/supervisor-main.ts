// Process entry of the supervisor. The launcher has bound the sockets, which are open descriptors here that Node knows
// nothing about; it sends the task, and its end is this process's end.
import { AdminClient } from "../admin-client.ts";
import { CommandError, exitCodes } from "../command-error.ts";
import { hostPort } from "./direct-endpoints.ts";
import { startFailureText, startSupervisor, type Output, type Supervisor } from "./supervisor.ts";
import type { SupervisorMessage } from "./supervisor-message.ts";

const output: Output = {
  say: (line) => process.stdout.write(`${line}\n`),
  log: (line) => process.stderr.write(`${line}\n`),
};

// A reader that has gone (`serve | head`) must not end the system.
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});

let starting: Promise<Supervisor> | undefined;
let stopping = false;
const cancel = new AbortController();

process.once("message", ({ task, sources }: SupervisorMessage) => {
  const { host, port } = task.options.control;
  const client = new AdminClient({ url: `http://${hostPort(host, port)}`, token: task.directory.adminToken });
  starting = startSupervisor(task, sources, client, output, cancel.signal);
  starting.catch((error: unknown) => {
    if (!stopping) output.log(`isthmus serve: ${startFailureText(error)}`);
    process.exit(error instanceof CommandError ? error.exitCode : exitCodes.failure);
  });
});
process.on("SIGHUP", () => void starting?.then((supervisor) => supervisor.reloadCertificates()));
process.on("SIGUSR2", () => void starting?.then((supervisor) => supervisor.reload()));
process.on("SIGTERM", () => void stop());
// The terminal's Ctrl-C is the launcher's to hear.
process.on("SIGINT", () => {});
process.on("disconnect", () => {
  if (!stopping) output.log("the launcher has ended; stopping");
  void stop();
});

async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  cancel.abort();
  try {
    await (await starting)?.stop();
  } finally {
    process.exit(exitCodes.ok);
  }
}
