// `isthmus history`, `show`, `rollback`: the versions that the control keeps.
import type { Command } from "commander";
import type { VersionSummary } from "#contract/admin.ts";
import type { AdminClient } from "../admin-client.ts";
import { contextFor, withTarget } from "../command-context.ts";
import { instant, printable, table } from "../table.ts";
import { wholeNumber } from "./arguments.ts";
import { publishText, withDiagnostics } from "./publish.ts";

const versionNumber = wholeNumber(1, 2 ** 31);

export function addHistory(program: Command): void {
  withTarget(program.command("history"))
    .summary("list the versions, newest first")
    .option("--limit <n>", "at most so many", wholeNumber(1, 500), 50)
    .addHelpText("after", "\nExamples:\n  isthmus history\n  isthmus history --limit 5 --json")
    .action(async ({ limit }: { limit: number }, command: Command) => {
      const { client, printer } = await contextFor(command);
      const { versions } = await client.versions({ limit });
      const rows = versions.map((version) => [
        `${version.version}${version.current ? " *" : ""}`,
        instant(version.createdAtMs),
        printable(version.author),
        version.hash.slice("sha256:".length, "sha256:".length + 12),
        printable(reasonOf(version)),
      ]);
      const heading = ["version", "when", "author", "hash", "reason"];
      printer.result(versions, table(heading, rows, "no version was published yet"));
    });
}

export function addShow(program: Command): void {
  withTarget(program.command("show"))
    .argument("[version]", "number of the version; default: the current one", versionNumber)
    .summary("print the files of a version")
    .option("--snapshot", "what the files compiled to, as JSON")
    .addHelpText("after", "\nExamples:\n  isthmus show > isthmus.yaml\n  isthmus show 3 --json")
    .action(async (version: number | undefined, flags: { snapshot?: boolean }, command: Command) => {
      const { client, printer } = await contextFor(command);
      const detail = await client.version(version ?? "current");
      if (flags.snapshot)
        return printer.result(detail.snapshot, JSON.stringify(detail.snapshot, undefined, 2));
      const files = detail.files.map(({ name, content }) =>
        detail.files.length > 1 ? `# ${name}\n${content}` : content,
      );
      printer.note(`version ${detail.version}, ${instant(detail.createdAtMs)}, ${printable(detail.author)}`);
      printer.result(detail, files.join("\n---\n"));
    });
}

export function addRollback(program: Command): void {
  withTarget(program.command("rollback"))
    .argument("[version]", "version to restore; default: the one before the current", versionNumber)
    .summary("publish an earlier version again")
    .option("--reason <text>", "why, for the history", "")
    .option("--base-version <n>", "refuse if another version is current by now", wholeNumber(0, 2 ** 31))
    .addHelpText(
      "after",
      '\nExamples:\n  isthmus rollback\n  isthmus rollback 3 --reason "v4 breaks checkout"',
    )
    .action(
      async (
        version: number | undefined,
        { reason, baseVersion }: { reason: string; baseVersion?: number },
        command: Command,
      ) => {
        const { client, printer } = await contextFor(command);
        const answer = await withDiagnostics(printer.note, async () =>
          client.rollback({
            version: version ?? (await currentVersion(client)) - 1,
            reason,
            ...(baseVersion !== undefined && { baseVersion }),
          }),
        );
        printer.result(answer, publishText(answer));
      },
    );
}

async function currentVersion(client: AdminClient): Promise<number> {
  return (await client.version("current")).version;
}

function reasonOf({ reason, rollbackOf }: VersionSummary): string {
  return rollbackOf === undefined ? reason : `rollback to ${rollbackOf}${reason && `: ${reason}`}`;
}
