// `isthmus serve`: the Workers on workerd, on this machine.
import { resolve } from "node:path";
import { InvalidArgumentError, Option, type Command } from "commander";
import { defaultDataDirectory } from "../local-system.ts";
import { CommandError } from "../command-error.ts";
import { hostPortArgument, listArgument, wholeNumber } from "./arguments.ts";
import { launch } from "../serve/launcher.ts";
import { everyAddress, type HostPort, type ServeOptions } from "../serve/serve-options.ts";
import { durationMs } from "#contract/duration.ts";
import { parseConnectTo, type ConnectTo } from "#traffic/connection/connect-to.ts";

interface ServeFlags {
  file: string[];
  data: string;
  control: HostPort;
  tunnel?: HostPort;
  tunnelName?: string[];
  host: string;
  processes: number;
  portOffset: number;
  connectTo?: ConnectTo[];
  devTls?: boolean;
  strict?: boolean;
  isolate?: boolean;
  trustDomain: string;
  caCert?: string;
  caKey?: string;
  region: string;
  zone?: string;
  drainTimeout: number;
}

export function addServe(program: Command): void {
  withAuthority(program.command("serve"))
    .summary("run control, state and gateway on this machine")
    .description(
      "Runs the built Workers on workerd: publishes the files, opens the listeners, prints one line per listener and then `ready`. Access log on standard output, everything else on standard error.",
    )
    .requiredOption(
      "-f, --file <file>",
      "configuration file; repeatable, `-` for standard input",
      listArgument,
    )
    .option("--data <dir>", "state, secrets and trust bundle (created, mode 0700)", defaultDataDirectory)
    .addOption(
      new Option("--control <[host:]port>", "admin API")
        .argParser(hostPortArgument("127.0.0.1"))
        .default({ host: "127.0.0.1", port: 8081 }, "127.0.0.1:8081"),
    )
    .option(
      "--tunnel <[host:]port>",
      "accept agents here (TLS, client certificate)",
      hostPortArgument(everyAddress),
    )
    .option(
      "--tunnel-name <name>",
      "host name or address in the tunnel's certificate; repeatable",
      listArgument,
    )
    .option(
      "--host <address>",
      "address that the listeners bind; * is every one, IPv4 and IPv6",
      everyAddress,
    )
    .option("--processes <n>", "gateway processes", wholeNumber(1, 256), 1)
    .option("--port-offset <n>", "added to the port of every listener", wholeNumber(-65_535, 65_535), 0)
    .option(
      "--connect-to <host:port:host2:port2>",
      "dial HOST2:PORT2 for HOST:PORT, as curl does; repeatable",
      (text: string, rules: ConnectTo[] = []) => [...rules, connectToArgument(text)],
    )
    .option("--dev-tls", "generate a certificate for HTTPS listeners that have none")
    .option("--strict", "refuse a configuration with warnings, too")
    .option("--isolate", "leave out Kubernetes objects that have errors, and serve all others")
    .option("--region <name>", "name of this group of gateways in `isthmus status`", "local")
    .option("--zone <name>", "zone of this machine, for backends that prefer endpoints of the gateway's zone")
    .addOption(
      new Option("--drain-timeout <duration>", "longest wait for requests under way at the end")
        .argParser(drainArgument)
        .default(10_000, "10s"),
    )
    .addHelpText(
      "after",
      `
Examples:
  isthmus serve -f isthmus.yaml
  isthmus serve -f isthmus.yaml --port-offset 8000 --dev-tls --processes 2
  isthmus serve -f isthmus.yaml --data /var/lib/isthmus --tunnel 8444 --tunnel-name edge.example.com
  isthmus serve -f isthmus.yaml --connect-to 203.0.113.7:8080:127.0.0.1:9001

Signals: SIGTERM and SIGINT finish the requests under way and end; SIGHUP reads certificates again;
SIGUSR2 replaces every process without a failed request, as \`isthmus reload\` does.`,
    )
    .action(async (flags: ServeFlags) => {
      process.exitCode = await launch(serveOptions(flags), (line) => console.error(line));
    });
}

function serveOptions(flags: ServeFlags): ServeOptions {
  return {
    files: flags.file,
    dataDirectory: resolve(flags.data),
    control: flags.control,
    ...(flags.tunnel && { tunnel: flags.tunnel }),
    tunnelNames: flags.tunnelName ?? [],
    host: flags.host,
    processes: flags.processes,
    portOffset: flags.portOffset,
    connectTo: flags.connectTo ?? [],
    devTls: flags.devTls ?? false,
    strict: flags.strict ?? false,
    isolate: flags.isolate ?? false,
    trustDomain: flags.trustDomain,
    ...authorityOf(flags),
    region: flags.region,
    ...(flags.zone !== undefined && { zone: flags.zone }),
    drainTimeoutMs: flags.drainTimeout,
  };
}

function connectToArgument(text: string): ConnectTo {
  const rule = parseConnectTo(text);
  if (rule) return rule;
  throw new InvalidArgumentError(
    "Expected HOST:PORT:HOST2:PORT2. Any part may be empty; IPv6 addresses stand in brackets: [::1]:80:[::1]:8080.",
  );
}

function withAuthority(command: Command): Command {
  return command
    .option("--trust-domain <name>", "SPIFFE trust domain of agents' certificates", "isthmus.local")
    .option(
      "--ca-cert <file>",
      "certificate authority of your own for agents' certificates: PEM, the issuing certificate first, up to its root",
    )
    .option(
      "--ca-key <file>",
      "its private key (PEM, P-256); taken over once, into the control's own storage",
    );
}

function authorityOf({ caCert, caKey }: ServeFlags): Pick<ServeOptions, "authority"> {
  if (caCert === undefined && caKey === undefined) return {};
  if (caCert !== undefined && caKey !== undefined) {
    return { authority: { certFile: resolve(caCert), keyFile: resolve(caKey) } };
  }
  throw new CommandError("invalid", "--ca-cert and --ca-key belong together: one is missing");
}

function drainArgument(text: string): number {
  try {
    return durationMs(text);
  } catch {
    throw new InvalidArgumentError("Expected a duration such as 500ms, 10s or 1m.");
  }
}
