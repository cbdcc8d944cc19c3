// `isthmus token`, `certificate`, `audit`: who may do what, and who did.
import type { Command } from "commander";
import { roleSchema } from "#contract/admin.ts";
import { CommandError } from "../command-error.ts";
import { contextFor, withTarget } from "../command-context.ts";
import { instant, printable, table } from "../table.ts";
import { secondsOf, wholeNumber } from "./arguments.ts";
import { addAuthority } from "./authority.ts";

export function addAccess(program: Command): void {
  addToken(program);
  addCertificate(program);
  addAuthority(program);
  addAudit(program);
}

function addToken(program: Command): void {
  const token = program.command("token").summary("bearer tokens, and tokens with which agents join");
  withTarget(token.command("join"))
    .summary("make a one-time token for an agent")
    .description("Prints a token with which one agent joins a tunnel. It is never shown again.")
    .requiredOption("--tunnel <name>", "tunnel that the agent may join")
    .option("--expires <duration>", "life of the token", "1h")
    .addHelpText("after", "\nExamples:\n  isthmus token join --tunnel production > join-token")
    .action(async (flags: { tunnel: string; expires: string }, command: Command) => {
      const { client, printer } = await contextFor(command);
      const created = await client.createJoinToken({
        tunnel: flags.tunnel,
        expiresInSeconds: secondsOf(flags.expires, "--expires"),
      });
      printer.note(`one agent may join ${created.tunnel} with it until ${instant(created.expiresAtMs)}`);
      printer.result(created, created.token);
    });
  withTarget(token.command("create"))
    .argument("<name>", "who will use it")
    .summary("make a bearer token for the admin API, or for `isthmus forward`")
    .description("Prints a bearer token. The control keeps only its hash: it is never shown again.")
    .requiredOption(
      "--role <role>",
      "reader, publisher, admin, or forwarder: to forward ports and nothing else",
    )
    .option("--expires <duration>", "life of the token; default: no end")
    .addHelpText(
      "after",
      "\nExamples:\n  isthmus token create ci --role publisher --expires 720h\n  isthmus token create alice --role forwarder --expires 12h",
    )
    .action(async (name: string, flags: { role: string; expires?: string }, command: Command) => {
      const role = roleSchema.safeParse(flags.role);
      if (!role.success) {
        throw new CommandError("invalid", `--role ${flags.role}: expected ${roleSchema.options.join(", ")}`);
      }
      const { client, printer } = await contextFor(command);
      const created = await client.createToken({
        name,
        role: role.data,
        ...(flags.expires !== undefined && { expiresInSeconds: secondsOf(flags.expires, "--expires") }),
      });
      printer.note(`id ${created.id}; \`isthmus token delete ${created.id}\` ends it`);
      printer.result(created, created.token);
    });
  withTarget(token.command("list"))
    .summary("list the bearer tokens, without their secrets")
    .action(async (_flags: object, command: Command) => {
      const { client, printer } = await contextFor(command);
      const { tokens } = await client.tokens();
      const rows = tokens.map(({ id, name, role, createdAtMs, expiresAtMs }) => [
        id,
        printable(name),
        role,
        instant(createdAtMs),
        expiresAtMs === undefined ? "never" : instant(expiresAtMs),
      ]);
      printer.result(tokens, table(["id", "name", "role", "created", "expires"], rows, "no tokens"));
    });
  withTarget(token.command("delete"))
    .argument("<id>", "as `isthmus token list` shows it")
    .summary("end a bearer token")
    .action(async (id: string, _flags: object, command: Command) => {
      const { client, printer } = await contextFor(command);
      await client.deleteToken(id);
      printer.result({ deleted: id }, `token ${id} is deleted`);
    });
}

function addCertificate(program: Command): void {
  const certificate = program.command("certificate").summary("certificates of agents");
  withTarget(certificate.command("list"))
    .summary("list issued certificates, newest first")
    .option("--limit <n>", "at most so many", wholeNumber(1, 500), 50)
    .action(async ({ limit }: { limit: number }, command: Command) => {
      const { client, printer } = await contextFor(command);
      const { certificates } = await client.certificates({ limit });
      const rows = certificates.map(({ serial, spiffeId, names, notAfterMs, revokedAtMs }) => [
        serial,
        revokedAtMs === undefined ? `until ${instant(notAfterMs)}` : `revoked ${instant(revokedAtMs)}`,
        printable(spiffeId || (names ?? []).join(", ")),
      ]);
      printer.result(certificates, table(["serial", "valid", "identity"], rows, "no certificates"));
    });
  withTarget(certificate.command("revoke"))
    .argument("<serial>", "as `isthmus certificate list` shows it")
    .summary("revoke a certificate; the agent is cut off within a heartbeat")
    .option("--reason <text>", "why, for the audit log", "")
    .action(async (serial: string, { reason }: { reason: string }, command: Command) => {
      const { client, printer } = await contextFor(command);
      const revoked = await client.revokeCertificate(serial, reason);
      printer.result(revoked, `certificate ${revoked.serial} (${revoked.spiffeId}) is revoked`);
    });
}

function addAudit(program: Command): void {
  withTarget(program.command("audit"))
    .summary("list who changed what, newest first")
    .option("--limit <n>", "at most so many", wholeNumber(1, 500), 50)
    .action(async ({ limit }: { limit: number }, command: Command) => {
      const { client, printer } = await contextFor(command);
      const { entries } = await client.audit({ limit });
      const rows = entries.map(({ atMs, actor, action, detail }) => [
        instant(atMs),
        printable(actor),
        action,
        printable(detail),
      ]);
      printer.result(entries, table(["when", "who", "action", "detail"], rows, "nothing was changed yet"));
    });
}
