// `isthmus agent`: the origin agent's own program, under the command's roof. It parses its flags and help itself.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Command } from "commander";
import { packageRoot } from "../installation.ts";

const entry = join(packageRoot, "origin-agent/main.ts");

export function addAgent(program: Command): void {
  program
    .command("agent")
    .summary("connect a network's endpoints to the edge (runs beside the pods)")
    .helpOption(false)
    .allowUnknownOption()
    .argument("[flags...]")
    .action(() => runAgent(process.argv.slice(process.argv.indexOf("agent") + 1)));
}

/** Becomes the agent: the same process, so signals, exit code and logs are its own. */
async function runAgent(flags: readonly string[]): Promise<void> {
  process.argv = [process.execPath, entry, ...flags];
  await import(pathToFileURL(entry).href);
}
