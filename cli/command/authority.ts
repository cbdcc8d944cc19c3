// `isthmus ca`: whose certificates agents have, and who takes over.
import type { Command } from "commander";
import { readAuthorityFiles } from "../authority-files.ts";
import { contextFor, withTarget } from "../command-context.ts";
import { instant, printable, table } from "../table.ts";
import { secondsOf } from "./arguments.ts";

export function addAuthority(program: Command): void {
  const authority = program.command("ca").summary("the certificate authority's roots");
  withTarget(authority.command("show"))
    .summary("show the roots, which of them signs, and how many certificates each has")
    .action(async (_flags: object, command: Command) => {
      const { client, printer } = await contextFor(command);
      const shown = await client.authority();
      const rows = shown.roots.map(
        ({ id, imported, signing, signsFromMs, notAfterMs, certificates, inUse }) => [
          id,
          imported ? "yours" : "made here",
          signing
            ? "signs"
            : signsFromMs > Date.now()
              ? `signs from ${instant(signsFromMs)}`
              : "signs no more",
          String(certificates),
          String(inUse),
          instant(notAfterMs),
        ],
      );
      const head = `trust domain ${printable(shown.trustDomain)}, trust version ${shown.trustVersion}`;
      const roots = table(
        ["authority", "origin", "state", "certificates", "in use", "ends"],
        rows,
        "no authority yet",
      );
      printer.result(shown, `${head}\n\n${roots}`);
    });
  withTarget(authority.command("rotate"))
    .summary("add a root; everyone trusts it at once, and it signs once all can have heard of it")
    .option("--lead <duration>", "time until it signs; default: an agent certificate's lifetime, a day")
    .action(async ({ lead }: { lead?: string }, command: Command) => {
      const { client, printer } = await contextFor(command);
      const trust = await client.rotateAuthority(lead === undefined ? undefined : secondsOf(lead, "--lead"));
      printer.result(
        trust,
        `${trust.rootsPem.length} roots are trusted now (trust version ${trust.version}); \`isthmus ca show\` tells how far it is`,
      );
    });
  addImport(authority);
  addRetire(authority);
}

function addImport(authority: Command): void {
  withTarget(authority.command("import"))
    .summary(
      "bring an authority of your own; everyone trusts its root at once, and it signs as after `rotate`",
    )
    .requiredOption(
      "--cert <file>",
      "PEM: the issuing certificate first, then each one's issuer up to the root",
    )
    .requiredOption("--key <file>", "PEM: its private key, P-256")
    .option("--lead <duration>", "time until it signs; default: an agent certificate's lifetime, a day")
    .addHelpText(
      "after",
      "\nExamples:\n  isthmus ca import --cert issuing-chain.pem --key issuing.key\n  isthmus ca show\n  isthmus ca retire 4f3c…",
    )
    .action(async (flags: { cert: string; key: string; lead?: string }, command: Command) => {
      const { client, printer } = await contextFor(command);
      const files = await readAuthorityFiles({ certFile: flags.cert, keyFile: flags.key });
      const trust = await client.importAuthority({
        ...files,
        ...(flags.lead !== undefined && { leadSeconds: secondsOf(flags.lead, "--lead") }),
      });
      const from = trust.signer ? `; the newest signs from ${instant(trust.signer.fromMs)}` : "";
      printer.result(trust, `${trust.rootsPem.length} roots are trusted now${from}`);
    });
}

function addRetire(authority: Command): void {
  withTarget(authority.command("retire"))
    .argument("<authority>", "as `isthmus ca show` shows it")
    .summary("take out an authority that no longer signs; all of its certificates are revoked")
    .option(
      "--force",
      "also while agents use its certificates: they are cut off, and have to join again",
      false,
    )
    .action(async (id: string, { force }: { force: boolean }, command: Command) => {
      const { client, printer } = await contextFor(command);
      const trust = await client.retireAuthority(id, force);
      printer.result(trust, `authority ${id} is retired; ${trust.rootsPem.length} roots are trusted`);
    });
}
