// `isthmus validate`: what is to be said of a configuration, without a control.
import type { Command } from "commander";
import { loadConfig } from "#config/load.ts";
import { CommandError } from "../command-error.ts";
import { printerFor } from "../command-context.ts";
import {
  certificateSource,
  chosenFiles,
  diagnosticCount,
  diagnosticText,
  readConfigFiles,
} from "../config-files.ts";
import { objectStatusText } from "../status-text.ts";
import { listArgument } from "./arguments.ts";

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
