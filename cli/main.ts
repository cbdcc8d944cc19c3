// The `isthmus` command: which subcommands there are, and how every failure ends.
import { Command, CommanderError } from "commander";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { addAccess } from "./command/access.ts";
import { addAgent } from "./command/agent.ts";
import { addConvert } from "./command/convert.ts";
import { addDebugToken } from "./command/debug-token.ts";
import { addDiff } from "./command/diff.ts";
import { addEndpoint } from "./command/endpoint.ts";
import { addExplain } from "./command/explain.ts";
import { addApply, addValidate } from "./command/publish.ts";
import { addForward } from "./command/forward.ts";
import { addReload } from "./command/reload.ts";
import { addServe } from "./command/serve.ts";
import { addStart } from "./command/start.ts";
import { addStat } from "./command/stat.ts";
import { addStatus } from "./command/status.ts";
import { addTunnel } from "./command/tunnel.ts";
import { addHistory, addRollback, addShow } from "./command/versions.ts";
import { CommandError, exitCodes } from "./command-error.ts";
import { packageRoot } from "./installation.ts";

/** `agent` parses its own flags; everything before it is ours. */
const program = new Command("isthmus")
  .description("Traffic management that joins the edge to the cluster.")
  .version(
    (JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as { version: string }).version,
  )
  .option("--json", "print results, and errors, as JSON")
  .showHelpAfterError("(`--help` shows what is expected)")
  .exitOverride()
  .addHelpText(
    "after",
    `
Exit codes:
  0  done
  1  failed
  2  wrong flags or arguments, or the configuration is not valid
  3  conflict: something else is current, or in use
  4  the control cannot be reached
  5  the control refuses the token

Examples:
  isthmus start                                  # everything on this machine, to try
  isthmus serve -f isthmus.yaml --tunnel 8444
  isthmus apply -f isthmus.yaml --reason "…"
  isthmus status`,
  );

for (const add of [
  addServe,
  addReload,
  addStart,
  addAgent,
  addApply,
  addValidate,
  addConvert,
  addStatus,
  addTunnel,
  addForward,
  addExplain,
  addDebugToken,
  addStat,
  addEndpoint,
  addHistory,
  addShow,
  addDiff,
  addRollback,
  addAccess,
]) {
  add(program);
}
for (const command of allCommands(program))
  command.exitOverride().option("--json", "print results, and errors, as JSON");

// Under an older Node, cli/isthmus.mjs is our parent and waits for us; a command must not outlive it.
process.channel?.unref();
process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
// `isthmus history | head`
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

function allCommands(parent: Command): Command[] {
  return parent.commands.flatMap((command) => [command, ...allCommands(command)]);
}

/** Prints what went wrong, without a stack; resolves to the exit code. */
function report(error: unknown): number {
  // Commander has printed help, version or the usage error itself.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.invalid;
  const known = error instanceof CommandError ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  if (process.argv.includes("--json")) {
    const body = { code: known?.code ?? "failure", message, ...(known?.remedy && { remedy: known.remedy }) };
    process.stdout.write(`${JSON.stringify({ error: body }, undefined, 2)}\n`);
  }
  process.stderr.write(`isthmus: ${message}\n${known?.remedy ? `    ${known.remedy}\n` : ""}`);
  if (!known && process.env["ISTHMUS_DEBUG"]) console.error(error);
  return known?.exitCode ?? exitCodes.failure;
}
