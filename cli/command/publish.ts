// `isthmus apply`, `validate`: from files to a version.
import type { Command } from "commander";
import { loadConfig } from "#config/load.ts";
import { redactKeys } from "#config/redact-keys.ts";
import type { PublishResponse } from "#contract/admin.ts";
import { RefusedError } from "../admin-client.ts";
import { changeText } from "../change-text.ts";
import { CommandError } from "../command-error.ts";
import { contextFor, printerFor, withTarget } from "../command-context.ts";
import {
  certificateSource,
  chosenFiles,
  diagnosticCount,
  diagnosticText,
  readConfigFiles,
} from "../config-files.ts";
import { objectStatusText } from "../status-text.ts";
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

export function addValidate(program: Command): void {
  program
    .command("validate [file...]")
    .summary("check a configuration without a control")
    .description("Checks the files: each finding with file, line, what was expected and what to do.")
    .option("-f, --file <file>", "configuration file; repeatable, `-` for standard input", listArgument)
    .option("--strict", "fail on warnings, too")
    .option("--status", "show the conditions of Kubernetes objects, as a controller would write them")
    .option("--target <where>", "warn of what cannot run there: serve, or Cloudflare's edge", "serve")
    .addHelpText(
      "after",
      `
Examples:
  isthmus validate isthmus.yaml
  isthmus validate -f base.yaml -f routes.yaml --strict --json
  isthmus validate --status gateway.yaml routes.yaml`,
    )
    .action(
      async (
        files: string[],
        flags: { file?: string[]; strict?: boolean; status?: boolean; target: string },
        command: Command,
      ) => {
        if (flags.target !== "serve" && flags.target !== "edge") {
          throw new CommandError("invalid", `--target ${flags.target}: expected serve or edge`);
        }
        const chosen = chosenFiles(files, flags.file);
        const { diagnostics, statuses = [] } = loadConfig(await readConfigFiles(chosen), {
          target: flags.target,
          certificates: certificateSource(chosen),
        });
        const failed = diagnostics.some(({ severity }) => severity === "error" || flags.strict);
        printerFor(command).result(
          { valid: !failed, diagnostics, ...(flags.status && { statuses }) },
          `${flags.status ? `${objectStatusText(statuses)}\n` : ""}${diagnosticText(diagnostics)}${failed ? "not valid" : "valid"}: ${diagnosticCount(diagnostics)}`,
        );
        if (failed) process.exitCode = 2;
      },
    );
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
