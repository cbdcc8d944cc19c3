// `isthmus explain`: what the gateway would do with a request or a connection, and why, by the code of its data path.
import { InvalidArgumentError, type Command } from "commander";
import { loadConfig } from "#config/load.ts";
import { parseAddress } from "#config/native/address.ts";
import { endpointKey, type Snapshot } from "#contract/snapshot.ts";
import type { EndpointStanding } from "#contract/administration.ts";
import type { RunTime } from "#traffic/explain/explain-backends.ts";
import { explainConnection, type ExplainedConnection } from "#traffic/explain/explain-connection.ts";
import { explainRequest } from "#traffic/explain/explain-request.ts";
import type { ExplainedRequest } from "#traffic/explain/request-entry.ts";
import { parseIpAddress } from "#traffic/forwarding/ip-address.ts";
import { CommandError } from "../command-error.ts";
import { contextFor, printerFor, withTarget } from "../command-context.ts";
import { diagnosticText, readConfigFiles } from "../config-files.ts";
import { connectionText, explanationText } from "../explanation-text.ts";
import { listArgument } from "./arguments.ts";

interface ExplainFlags {
  readonly header?: [string, string][];
  readonly clientIp: string;
  readonly file?: string[];
  readonly address?: string;
}

export function addExplain(program: Command): void {
  withTarget(program.command("explain"))
    .argument("<method>", "such as GET; none for a connection: tcp://HOST:PORT, or tls://SERVERNAME:PORT")
    .argument("[url]", "as the client asks: scheme and port choose the listener")
    .summary("say which rule, backend and endpoint a request or connection gets, and why no other")
    .description(
      "Asks the matcher, filters and balancers of the data path. Without -f, of the running system: its current version, with the health and administration of its endpoints. Nothing is sent to any endpoint.",
    )
    .option("-H, --header <header>", "`Name: value`; repeatable", headerArgument)
    .option("--client-ip <ip>", "address that connects to the gateway", "127.0.0.1")
    .option(
      "--address <ip>",
      "address of the machine that it connects to, where listeners name theirs",
      ipArgument,
    )
    .option(
      "-f, --file <file>",
      "configuration file, in place of the running system; repeatable",
      listArgument,
    )
    .addHelpText(
      "after",
      "\nExamples:\n  isthmus explain GET http://shop.example.com/orders/7\n  isthmus explain POST https://shop.example.com/orders -H 'x-tester: yes' -f isthmus.yaml --json\n  isthmus explain tls://shop.example.com:443 --client-ip 203.0.113.9\n  isthmus explain tcp://db.example.com:5432",
    )
    .action(async (method: string, address: string | undefined, flags: ExplainFlags, command: Command) => {
      if (address === undefined) {
        const connection = connectionOf(method, flags);
        const { snapshot, runTime } = flags.file ? await fromFiles(flags.file) : await fromSystem(command);
        const explanation = explainConnection(snapshot, connection, runTime);
        printerFor(command).result(explanation, connectionText(explanation));
        return;
      }
      const request = requestOf(method, address, flags);
      const { snapshot, runTime } = flags.file ? await fromFiles(flags.file) : await fromSystem(command);
      const explanation = explainRequest(snapshot, request, runTime);
      // The winner's rule and route are named; whole they would bury the rest.
      const { match, ...rest } = explanation;
      const { winner: _winner, ...shown } = match ?? {};
      printerFor(command).result(match ? { ...rest, match: shown } : rest, explanationText(explanation));
    });
}

interface Explained {
  readonly snapshot: Snapshot;
  readonly runTime: RunTime;
}

async function fromFiles(files: readonly string[]): Promise<Explained> {
  const { snapshot, diagnostics } = loadConfig(await readConfigFiles(files));
  if (!snapshot) {
    process.stderr.write(diagnosticText(diagnostics));
    throw new CommandError("invalid", "the configuration is not valid");
  }
  return { snapshot, runTime: {} };
}

async function fromSystem(command: Command): Promise<Explained> {
  const { client } = await contextFor(command);
  const [{ snapshot }, { endpoints }] = await Promise.all([client.version("current"), client.endpoints()]);
  return { snapshot, runTime: runTimeOf(endpoints) };
}

function runTimeOf(endpoints: readonly EndpointStanding[]): RunTime {
  const keyOf = ({ backend, endpoint }: EndpointStanding): string => endpointKey(backend, endpoint);
  return {
    unhealthy: new Set(endpoints.filter(({ health }) => health === "unhealthy").map(keyOf)),
    administration: {
      version: 1,
      endpoints: Object.fromEntries(
        endpoints.map((standing) => [keyOf(standing), { state: standing.state, weight: standing.weight }]),
      ),
    },
  };
}

function connectionOf(
  address: string,
  { header, clientIp, address: localAddress }: ExplainFlags,
): ExplainedConnection {
  const url =
    /^(tcp|tls):\/\/[^/?#]+$/i.test(address) && URL.canParse(address) ? new URL(address) : undefined;
  if (!url || url.port === "") {
    throw new CommandError(
      "invalid",
      `${address}: expected a method and a URL, or a connection such as tcp://db.example.com:5432 or tls://shop.example.com:443`,
    );
  }
  if (header) throw new CommandError("invalid", "-H: a connection has no headers");
  // A client that connects to an address names no server (RFC 6066 section 3).
  const names = url.protocol === "tls:" && parseIpAddress(url.hostname.replace(/^\[|\]$/g, "")) === undefined;
  return {
    port: Number(url.port),
    ...(names && { serverName: url.hostname.toLowerCase() }),
    clientAddress: clientIp,
    ...(localAddress !== undefined && { localAddress }),
  };
}

function requestOf(
  method: string,
  address: string,
  { header = [], clientIp, address: localAddress }: ExplainFlags,
): ExplainedRequest {
  const found = /^(https?:\/\/[^/?#]+)([^#]*)/i.exec(address);
  const url = found && URL.canParse(found[1]!) ? new URL(found[1]!) : undefined;
  if (!found || !url) {
    throw new CommandError("invalid", `${address}: expected a URL such as http://shop.example.com/orders`);
  }
  const headers = new Map<string, string>();
  for (const [name, value] of header) {
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return {
    method,
    url,
    target: found[2] || "/",
    headers,
    peerAddress: clientIp,
    ...(localAddress !== undefined && { localAddress }),
  };
}

function ipArgument(text: string): string {
  const address = parseAddress(text);
  if (address?.kind !== "ip") throw new InvalidArgumentError("Expected an IP address.");
  return address.canonical;
}

function headerArgument(text: string, list: [string, string][] = []): [string, string][] {
  const found = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(text);
  if (!found) throw new InvalidArgumentError("Expected `Name: value`.");
  return [...list, [found[1]!.toLowerCase(), found[2]!]];
}
