// The `isthmus` command: which subcommands there are, and how every failure ends.
import { Command, CommanderError } from "commander";
import { readFileSync } from "node:fs";
import { join } from "node:path";
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

/** By the first word of a command line, in the order of the help. Each file is loaded where its command is the one meant. */
const commands: Readonly<Record<string, () => Promise<(parent: Command) => void>>> = {
  serve: async () => (await import("./command/serve.ts")).addServe,
  reload: async () => (await import("./command/reload.ts")).addReload,
  start: async () => (await import("./command/start.ts")).addStart,
  agent: async () => (await import("./command/agent.ts")).addAgent,
  apply: async () => (await import("./command/publish.ts")).addApply,
  validate: async () => (await import("./command/validate.ts")).addValidate,
  convert: async () => (await import("./command/convert.ts")).addConvert,
  status: async () => (await import("./command/status.ts")).addStatus,
  tunnel: async () => (await import("./command/tunnel.ts")).addTunnel,
  forward: async () => (await import("./command/forward.ts")).addForward,
  explain: async () => (await import("./command/explain.ts")).addExplain,
  "debug-token": async () => (await import("./command/debug-token.ts")).addDebugToken,
  stat: async () => (await import("./command/stat.ts")).addStat,
  endpoint: async () => (await import("./command/endpoint.ts")).addEndpoint,
  history: async () => (await import("./command/versions.ts")).addHistory,
  show: async () => (await import("./command/versions.ts")).addShow,
  diff: async () => (await import("./command/diff.ts")).addDiff,
  rollback: async () => (await import("./command/versions.ts")).addRollback,
  token: async () => (await import("./command/access.ts")).addAccess,
};
const firstWord = process.argv.slice(2).find((word) => !word.startsWith("-")) ?? "";
const meant = Object.hasOwn(commands, firstWord) ? [commands[firstWord]!] : Object.values(commands);
for (const load of meant) (await load())(program);
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
