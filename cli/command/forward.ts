// `isthmus forward`: a port of this machine that leads to a backend behind a tunnel.
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { printerFor } from "../command-context.ts";
import { CommandError, systemCode } from "../command-error.ts";
import { EdgeLink } from "../forward/edge-link.ts";
import type { EdgeTarget } from "../forward/edge-session.ts";
import { openPortForward } from "../forward/port-forward.ts";
import { defaultDataDirectory, readControlFile } from "../local-system.ts";
import type { HostPort } from "../serve/serve-options.ts";
import { hostPortArgument } from "./arguments.ts";

interface ForwardFlags {
  readonly edge?: string;
  readonly caFile?: string;
  readonly tokenFile?: string;
  readonly data?: string;
}

export function addForward(program: Command): void {
  const forward = program.command("forward").summary("reach a backend behind a tunnel from this machine");
  forward
    .command("tcp")
    .summary("listen on a port and carry its connections through the edge to a backend")
    .description(
      "Listens on this machine; each connection goes through the edge and an agent to an endpoint of the backend, which has to say who may (`portForward`). Runs until Ctrl-C.",
    )
    .argument(
      "<[host:]port>",
      "where to listen; the host is 127.0.0.1 unless given",
      hostPortArgument("127.0.0.1"),
    )
    .argument("<name>", "backend with a tunnel and portForward")
    .option("--edge <url>", "where agents connect, too: https://HOST:PORT")
    .option("--ca-file <file>", "PEM roots of the edge's certificate (default: the system's)")
    .option(
      "--token-file <file>",
      "bearer token of the role forwarder (or the token in ISTHMUS_FORWARD_TOKEN)",
    )
    .option(
      "--data <dir>",
      "data directory of an `isthmus serve` on this machine, in place of --edge and --ca-file",
    )
    .addHelpText(
      "after",
      `
Examples:
  isthmus token create alice --role forwarder --expires 12h > token      # an admin
  isthmus forward tcp 5432 orders-db --edge https://edge.example.com:8444 --ca-file ca.pem --token-file token
  psql -h 127.0.0.1 -p 5432`,
    )
    .action(async (local: HostPort, name: string, flags: ForwardFlags, command: Command) => {
      await run(local, await targetOf(name, flags), command);
    });
}

async function run(local: HostPort, target: EdgeTarget, command: Command): Promise<void> {
  const printer = printerFor(command);
  const stopped = new Promise<"stopped">((done) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      process.once(signal, () => done("stopped"));
  });
  const link = new EdgeLink(target, { note: printer.note });
  const failed = (client: string, reason: string): void =>
    printer.note(`connection from ${client}: ${reason}`);
  const forward = await openPortForward(local, link, failed);
  try {
    if ((await Promise.race([stopped, link.start()])) === "stopped") return;
    printer.event(
      { event: "forwarding", local: forward.local, name: target.name },
      `forwarding ${forward.local} -> ${target.name}`,
    );
    await Promise.race([stopped, link.ended]);
  } finally {
    await forward.close();
    await link.close();
  }
}

async function targetOf(name: string, flags: ForwardFlags): Promise<EdgeTarget> {
  const data = resolve(flags.data ?? defaultDataDirectory);
  const edge = flags.edge === undefined ? (await readControlFile(data)).tunnelUrl : checkedEdge(flags.edge);
  if (edge === undefined) {
    throw new CommandError("invalid", `the system in ${data} accepts no agents`, {
      remedy: "Start `isthmus serve` with --tunnel, or name an edge with --edge.",
    });
  }
  const caFile = flags.caFile ?? (flags.edge === undefined ? join(data, "ca.pem") : undefined);
  return {
    edge,
    name,
    ...(caFile !== undefined && { caPem: await readText(caFile, "--ca-file") }),
    token: await readForwardToken(flags.tokenFile),
  };
}

function checkedEdge(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol === "https:" && url.pathname === "/" && url.search === "") return url.origin;
  throw new CommandError("invalid", `--edge ${text}: expected https://HOST or https://HOST:PORT`);
}

async function readForwardToken(file: string | undefined): Promise<string> {
  const text =
    file === undefined ? process.env["ISTHMUS_FORWARD_TOKEN"] : await readText(file, "--token-file");
  const token = text?.trim() ?? "";
  if (/^[\x21-\x7e]{1,512}$/.test(token)) return token;
  throw new CommandError("invalid", file === undefined ? "no token is given" : `${file} holds no token`, {
    remedy:
      "Name a file with --token-file; an admin makes a token with `isthmus token create NAME --role forwarder`.",
  });
}

async function readText(file: string, flag: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new CommandError("invalid", `${flag}: cannot read ${file}: ${systemCode(error) ?? "unknown"}`, {
      cause: error,
    });
  }
}
