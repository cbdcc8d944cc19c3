// `isthmus convert`: any source format as native configuration.
import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { convertConfig } from "#config/convert.ts";
import { printerFor } from "../command-context.ts";
import { CommandError, systemCode } from "../command-error.ts";
import { chosenFiles, diagnosticCount, diagnosticText, readConfigFiles } from "../config-files.ts";
import { listArgument } from "./arguments.ts";

interface ConvertFlags {
  readonly file?: string[];
  readonly output?: string;
  readonly strict?: boolean;
  readonly isolate?: boolean;
}

export function addConvert(program: Command): void {
  program
    .command("convert [file...]")
    .summary("print haproxy.cfg or Kubernetes manifests as native configuration")
    .description(
      "Prints the native configuration, with a comment at each part that says where it is from, and on standard error the report: what is honoured only in part, and what is not. Private keys of Secrets are part of the result.",
    )
    .option("-f, --file <file>", "configuration file; repeatable, `-` for standard input", listArgument)
    .option("-o, --output <file>", "write there instead of standard output (mode 0600)")
    .option("--strict", "refuse on warnings, too")
    .option("--isolate", "leave out Kubernetes objects that have errors, and convert all others")
    .addHelpText(
      "after",
      `
Examples:
  isthmus convert haproxy.cfg > isthmus.yaml
  kubectl get ingress,service,endpointslice,secret -A -o yaml | isthmus convert - -o isthmus.yaml
  isthmus convert -f gateway.yaml -f routes.yaml --strict`,
    )
    .action(async (files: string[], flags: ConvertFlags, command: Command) => {
      const sources = await readConfigFiles(chosenFiles(files, flags.file));
      const { text, diagnostics } = convertConfig(sources, { isolate: flags.isolate ?? false });
      const printer = printerFor(command);
      printer.note(`${diagnosticText(diagnostics)}${diagnosticCount(diagnostics)}`);
      if (text === undefined || (flags.strict && diagnostics.length > 0)) {
        throw new CommandError("invalid", "nothing was converted: the configuration has problems", {
          remedy: "They are listed above, each with its place and remedy.",
        });
      }
      if (flags.output === undefined) return printer.result({ config: text, diagnostics }, text);
      await write(flags.output, text);
      printer.result({ output: flags.output, diagnostics }, `wrote ${flags.output}`);
    });
}

async function write(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { mode: 0o600 });
  } catch (error) {
    const why = systemCode(error) ?? String(error);
    throw new CommandError("failure", `cannot write ${path}: ${why}`, { cause: error });
  }
}
