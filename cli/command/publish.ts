// `isthmus apply`: from files to a version.
import type { Command } from "commander";
import { redactKeys } from "#config/redact-keys.ts";
import type { PublishResponse } from "#contract/admin.ts";
import { RefusedError } from "../admin-client.ts";
import { changeText } from "../change-text.ts";
import { contextFor, withTarget } from "../command-context.ts";
import { chosenFiles, diagnosticText, readConfigFiles } from "../config-files.ts";
import { listArgument, wholeNumber } from "./arguments.ts";

interface ApplyFlags {
  file?: string[];
  reason: string;
  baseVersion?: number;
  strict?: boolean;
  dryRun?: boolean;
  isolate?: boolean;
}

export function addApply(program: Command): void {
  withTarget(program.command("apply [file...]"))
    .summary("publish a configuration")
    .description(
      "Validates the files and makes them the current version, atomically; gateways serve it within 2 s.",
    )
    .option("-f, --file <file>", "configuration file; repeatable, `-` for standard input", listArgument)
    .option("--reason <text>", "why, for the history", "")
    .option("--base-version <n>", "refuse if another version is current by now", wholeNumber(0, 2 ** 31))
    .option("--strict", "refuse on warnings, too")
    .option("--dry-run", "say what would change, change nothing")
    .option("--isolate", "leave out Kubernetes objects that have errors, and serve all others")
    .addHelpText(
      "after",
      `
Examples:
  isthmus apply -f isthmus.yaml --reason "canary to 20 %"
  isthmus apply -f isthmus.yaml --dry-run
  isthmus apply -f isthmus.yaml --base-version 7     # exit code 3 if 7 is not current`,
    )
    .action(async (files: string[], flags: ApplyFlags, command: Command) => {
      const sources = await readConfigFiles(chosenFiles(files, flags.file));
      const { client, printer } = await contextFor(command);
      const answer = await withDiagnostics(printer.note, () =>
        client.publish({
          files: redactKeys(sources),
          reason: flags.reason,
          strict: flags.strict ?? false,
          dryRun: flags.dryRun ?? false,
          isolate: flags.isolate ?? false,
          ...(flags.baseVersion !== undefined && { baseVersion: flags.baseVersion }),
        }),
      );
      if (answer.diagnostics.length > 0) printer.note(diagnosticText(answer.diagnostics).trimEnd());
      printer.result(answer, publishText(answer));
    });
}

/** Prints what a refusal says about the configuration, then lets it go on. */
export async function withDiagnostics<T>(note: (line: string) => void, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof RefusedError) {
      const { diagnostics, changes } = error.answer;
      if (diagnostics?.length) note(diagnosticText(diagnostics).trimEnd());
      if (changes?.length) note(`changed since your base version:\n${changeText(changes)}`);
    }
    throw error;
  }
}

export function publishText({ version, unchanged, changes }: PublishResponse): string {
  const head = version
    ? `version ${version.version} is current`
    : unchanged
      ? "nothing to change: this configuration is current already"
      : "dry run: nothing was changed";
  return changes.length > 0 ? `${head}\n${changeText(changes)}` : head;
}
