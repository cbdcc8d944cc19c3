// The agent as a process: `node origin-agent/main.ts --edge … `; `isthmus agent` runs it, too. Flags, signals, exit codes.
import { Command, Option } from "commander";
import { errorFields } from "./agent-error.ts";
import { startAgent } from "./agent.ts";
import { diagnose, findingsText } from "./diagnose.ts";
import { createLog } from "./log.ts";
import { readOptions } from "./options.ts";
import type { AgentOptions, RawOptions } from "./options.ts";

/** Wrong options; as in the rest of the command line (sysexits' EX_USAGE is less well known than 2). */
const exitUsage = 2;
const exitFailed = 1;

const log = createLog((line) => process.stderr.write(line), Date.now);

const repeatable = (value: string, values: string[] = []): string[] => [...values, value];

const command = new Command("isthmus agent")
  .description(
    "Connects this network's endpoints to the edge: dials out, mutually authenticated, no inbound port.",
  )
  .argument("[diag]", "look at what the agent needs, with the same options, and say what is wrong")
  .option("--edge <url>", "edge to connect to, https://HOST:PORT")
  .option("--tunnel <name>", "tunnel that the configuration's backends name")
  .option("--join-token-file <file>", "one-time token to join with; not needed once joined")
  .option("--ca-file <file>", "PEM roots that the edge's certificate must lead to")
  .option("--allow <cidr[:port]>", "network this agent may dial; repeatable", repeatable)
  .option("--data <dir>", "directory for key, certificate and last configuration")
  .option("--instance <name>", "name of this agent in logs and status (default: host name)")
  .option("--zone <name>", "where this agent runs; it is preferred for endpoints of the same zone")
  .option("--drain-timeout <duration>", "longest wait for open streams on SIGTERM (default: 30s)")
  .option("--ready-file <file>", "file to write once the first connection is authenticated")
  .option(
    "--metrics <[host:]port>",
    "serve numbers for Prometheus on /metrics; the host is 127.0.0.1 unless given",
  )
  .option("--log-streams", "write a line for each stream that is over")
  .option("--endpoint-ca-file <file>", "PEM roots for endpoints that speak HTTPS (default: the system's)")
  .option(
    "--tls-dir <dir>",
    "directory of the certificates and keys that backends name for TLS to endpoints; repeatable",
    repeatable,
  )
  .option(
    "--connect-to <host:port:host2:port2>",
    "dial another address for an endpoint (curl's syntax); repeatable",
    repeatable,
  )
  .addOption(
    new Option("--edge-socket <path>", "Unix socket of the edge: of the agent of `isthmus serve`").hideHelp(),
  )
  .option(
    "--config <file>",
    "YAML or JSON file with the same options (edge, tunnel, joinTokenFile, allow, …)",
  )
  .option("--json", "with diag: findings as JSON")
  .addHelpText(
    "after",
    `
Examples:
  isthmus agent --edge https://edge.example.com:7443 --tunnel production \\
    --join-token-file token --ca-file ca.pem --allow 10.0.0.0/8 --data /var/lib/isthmus
  isthmus agent --config agent.yaml --allow 10.0.2.0/24:8080 --allow '[fd00::/8]:8080'
  isthmus agent diag --config agent.yaml        # exit code 0: nothing is wrong, 1: something is

Signals: SIGTERM or SIGINT drains (a second one exits at once); SIGHUP reads --config and files of certificates again;
SIGUSR2 writes DIR/dump.json.`,
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : exitUsage))
  .parse();

function currentOptions(): AgentOptions {
  const { config, json: _json, ...flags } = command.opts<RawOptions & { config?: string; json?: boolean }>();
  return readOptions(flags, config);
}

function optionsOrExit(): AgentOptions {
  try {
    return currentOptions();
  } catch (error) {
    exitWith(error, exitUsage);
  }
}

function exitWith(error: unknown, exitCode: number): never {
  const { reason, remedy } = errorFields(error);
  process.stderr.write(`isthmus agent: ${reason}\n${remedy ? `${remedy}\n` : ""}`);
  process.exit(exitCode);
}

const [action] = command.args;
if (action !== undefined && action !== "diag")
  command.error(`error: unknown action ${action}, expected diag`);
if (action === "diag") {
  const findings = await diagnose(optionsOrExit(), Date.now);
  const { json } = command.opts<{ json?: boolean }>();
  process.stdout.write(`${json ? JSON.stringify(findings, undefined, 2) : findingsText(findings)}\n`);
  process.exit(findings.some(({ status }) => status === "failed") ? exitFailed : 0);
}

const agent = await startAgent(optionsOrExit(), log).catch((error: unknown) => exitWith(error, exitFailed));

let signalled = false;
function onSignal(signal: NodeJS.Signals): void {
  if (signalled) {
    log.warn("exit_now", { signal });
    process.exit(exitFailed);
  }
  signalled = true;
  log.info("signal", { signal });
  void agent.drain();
}

function onReload(): void {
  try {
    agent.reload(currentOptions());
  } catch (error) {
    log.error("reload_failed", errorFields(error));
  }
}

process
  .on("SIGTERM", onSignal)
  .on("SIGINT", onSignal)
  .on("SIGHUP", onReload)
  .on("SIGUSR2", () => void agent.dump());

await agent.closed;
process.exit(0);
