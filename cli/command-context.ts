// What every command has at hand: where to print, in which form, and which control it talks to.
import type { Command } from "commander";
import type { AdminClient } from "./admin-client.ts";
import { findControl, type TargetOptions } from "./local-system.ts";

export interface Printer {
  /** The command's result: `value` as JSON under `--json`, else `text`. */
  result(value: unknown, text: string): void;
  /** What happens while a command goes on: one line each, of JSON under `--json`. */
  event(value: unknown, text: string): void;
  /** For people, on standard error; JSON output stays clean. */
  note(line: string): void;
}

/** Flags that every command knows. */
export interface GlobalOptions extends TargetOptions {
  readonly json?: boolean;
}

export interface CommandContext {
  readonly printer: Printer;
  readonly client: AdminClient;
}

export function printerFor(command: Command): Printer {
  const { json } = command.optsWithGlobals<GlobalOptions>();
  return {
    result(value, text) {
      const out = json ? JSON.stringify(value, undefined, 2) : text.trimEnd();
      if (out !== "") process.stdout.write(`${out}\n`);
    },
    event: (value, text) => void process.stdout.write(`${json ? JSON.stringify(value) : text}\n`),
    note: (line) => process.stderr.write(`${line}\n`),
  };
}

/** Adds the flags that name a control. */
export function withTarget(command: Command): Command {
  return command
    .option("--data <dir>", "data directory of an `isthmus serve` on this machine (default: .isthmus)")
    .option("--control <url>", "the control, such as http://127.0.0.1:8081 (or ISTHMUS_CONTROL)")
    .option("--token-file <file>", "file with a bearer token (or the token in ISTHMUS_TOKEN)");
}

/** Throws `CommandError` when no control can be found. */
export async function contextFor(command: Command): Promise<CommandContext> {
  const target = await findControl(command.optsWithGlobals<GlobalOptions>(), process.env);
  // Commands that need no control start without it.
  const { AdminClient } = await import("./admin-client.ts");
  return { printer: printerFor(command), client: new AdminClient(target) };
}
