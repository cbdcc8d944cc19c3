// `isthmus reload`: new processes in the place of old ones, without a failed request.
import { resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { CommandError } from "../command-error.ts";
import { printerFor } from "../command-context.ts";
import { defaultDataDirectory, readControlFile } from "../local-system.ts";
import { askUnixSocket } from "../unix-request.ts";
import { listArgument } from "./arguments.ts";

/** Each process may take its drain timeout. */
const timeoutMs = 30 * 60_000;

const answerSchema = z.object({ replaced: z.array(z.string()) });
const refusalSchema = z.object({ message: z.string() });

export function addReload(program: Command): void {
  program
    .command("reload")
    .summary("replace the processes of a running `isthmus serve`, without a failed request")
    .description(
      "Replaces control, state, hubs, gateways and TLS doors one after the other, with the Workers and certificates that are on disk now. Returns when the successors serve; old processes finish what is open within the drain timeout.",
    )
    .option("--data <dir>", "data directory of the system", defaultDataDirectory)
    .option(
      "--process <name>",
      "only this one (control, state, hub-0, gateway-1, …); repeatable",
      listArgument,
    )
    .addHelpText(
      "after",
      "\nExamples:\n  isthmus reload\n  isthmus reload --process gateway-1 --process gateway-2",
    )
    .action(async ({ data, process = [] }: { data: string; process?: string[] }, command: Command) => {
      const replaced = await reload(resolve(data), process);
      printerFor(command).result({ replaced }, `replaced ${replaced.join(", ")}`);
    });
}

async function reload(dataDirectory: string, names: readonly string[]): Promise<string[]> {
  const { supervisor } = await readControlFile(dataDirectory);
  if (supervisor === undefined) throw new CommandError("failure", "the running system cannot be reloaded");
  const query = new URLSearchParams(names.map((name) => ["process", name] as [string, string]));
  const request = { method: "POST", path: `/reload?${query}`, host: "supervisor", body: "", timeoutMs };
  const answer = await askUnixSocket(supervisor, request).catch((error: unknown) => {
    throw new CommandError("unreachable", `no answer from the system in ${dataDirectory}: ${String(error)}`, {
      remedy: "Is `isthmus serve` running, and ready?",
      cause: error,
    });
  });
  if (answer.status === 200) return answerSchema.parse(answer.body).replaced;
  const refusal = refusalSchema.safeParse(answer.body);
  throw new CommandError("failure", refusal.data?.message ?? `the system answered ${answer.status}`);
}
