// `isthmus debug-token`: a header with which a running gateway says what it decided for a request.
import type { Command } from "commander";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { debugHeader, decisionHeader, maxDebugTokenS, signDebugToken } from "#contract/debug-token.ts";
import { CommandError, systemCode } from "../command-error.ts";
import { printerFor } from "../command-context.ts";
import { defaultDataDirectory } from "../local-system.ts";
import { wholeNumber } from "./arguments.ts";

interface Flags {
  readonly data: string;
  readonly expires: number;
}

export function addDebugToken(program: Command): void {
  program
    .command("debug-token")
    .summary("make a header that a running gateway answers with its decision")
    .description(
      `Prints a value for the request header ${debugHeader}. A gateway of this system answers it with ${decisionHeader}.`,
    )
    .option("--data <dir>", "data directory of an `isthmus serve` on this machine", defaultDataDirectory)
    .option("--expires <seconds>", "life of the token", wholeNumber(1, maxDebugTokenS), 600)
    .addHelpText(
      "after",
      `\nExamples:\n  curl -si -H "${debugHeader}: $(isthmus debug-token)" http://shop.example.com/ | grep ${decisionHeader}`,
    )
    .action(async ({ data, expires }: Flags, command: Command) => {
      const secret = await readSecret(join(resolve(data), "session-secret"));
      const token = await signDebugToken(secret, Math.floor(Date.now() / 1000) + expires);
      printerFor(command).result({ token, header: debugHeader }, token);
    });
}

async function readSecret(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    throw new CommandError("invalid", `cannot read ${path}: ${systemCode(error) ?? "unknown"}`, {
      remedy: "Name the data directory of a system that has run: --data DIR.",
      cause: error,
    });
  }
}
