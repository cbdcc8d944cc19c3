// `isthmus tunnel`: the tunnels, their agents, and each agent's connections.
import type { Command } from "commander";
import type { Status } from "#contract/admin.ts";
import { CommandError } from "../command-error.ts";
import { contextFor, withTarget } from "../command-context.ts";
import { byteCount, instant, printable, span, table } from "../table.ts";

type Connection = Status["regions"][number]["agents"][number];
type Endpoint = Status["regions"][number]["endpoints"][number];

interface TunnelSummary {
  readonly tunnel: string;
  readonly agents: number;
  readonly connections: number;
  readonly streams: number;
  readonly draining: number;
  readonly unresponsive: number;
  /** When the first of the certificates ends. */
  readonly certificateNotAfterMs: number;
}

interface TunnelDetail {
  readonly tunnel: string;
  readonly connections: readonly Connection[];
  /** As the tunnel's agents see them. */
  readonly endpoints: readonly Endpoint[];
}

export function addTunnel(program: Command): void {
  const tunnel = program.command("tunnel").summary("tunnels, their agents and connections");
  withTarget(tunnel.command("list"))
    .summary("list the tunnels that have agents")
    .action(async (_flags: object, command: Command) => {
      const { client, printer } = await contextFor(command);
      const tunnels = summariesOf(connectionsOf(await client.status()));
      printer.result(tunnels, listText(tunnels, Date.now()));
    });
  withTarget(tunnel.command("show"))
    .argument("<name>", "as `isthmus tunnel list` shows it")
    .summary(
      "show a tunnel's connections: agent, hub, streams, bytes, round trip, certificate, version; and its endpoints",
    )
    .addHelpText(
      "after",
      "\nExamples:\n  isthmus tunnel show production\n  isthmus tunnel show production --json",
    )
    .action(async (name: string, _flags: object, command: Command) => {
      const { client, printer } = await contextFor(command);
      const [status, { snapshot }] = await Promise.all([client.status(), client.version("current")]);
      const connections = connectionsOf(status).filter((one) => one.tunnel === name);
      const backends = new Set(snapshot.backends.filter((one) => one.tunnel === name).map((one) => one.name));
      if (connections.length === 0 && backends.size === 0) {
        throw new CommandError(
          "failure",
          `no agent is connected to a tunnel ${name}, and no backend names it`,
          {
            remedy: "`isthmus tunnel list` shows the tunnels that have agents.",
          },
        );
      }
      const endpoints = status.regions
        .flatMap((region) => region.endpoints)
        .filter(({ key }) => backends.has(key.slice(0, key.lastIndexOf("|"))));
      const detail = { tunnel: name, connections, endpoints };
      printer.result(detail, showText(detail, Date.now()));
    });
}

function connectionsOf({ regions }: Status): Connection[] {
  return regions.flatMap((region) => region.agents);
}

export function summariesOf(connections: readonly Connection[]): TunnelSummary[] {
  const count = (of: readonly Connection[], is: (one: Connection) => boolean): number => of.filter(is).length;
  return [...Map.groupBy(connections, ({ tunnel }) => tunnel)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([tunnel, of]) => ({
      tunnel,
      agents: new Set(of.map(({ instance }) => instance)).size,
      connections: of.length,
      streams: of.reduce((sum, { streams }) => sum + streams, 0),
      draining: count(of, ({ draining }) => draining),
      unresponsive: count(of, ({ responsive }) => responsive === false),
      certificateNotAfterMs: Math.min(...of.map((one) => one.certificateNotAfterMs)),
    }));
}

function listText(tunnels: readonly TunnelSummary[], nowMs: number): string {
  return table(
    ["tunnel", "agents", "connections", "streams", "draining", "unresponsive", "certificate"],
    tunnels.map((one) => [
      one.tunnel,
      String(one.agents),
      String(one.connections),
      String(one.streams),
      String(one.draining),
      String(one.unresponsive),
      `${span(one.certificateNotAfterMs - nowMs)} left`,
    ]),
    "no agent is connected",
  );
}

function showText({ connections, endpoints }: TunnelDetail, nowMs: number): string {
  const agents = table(
    [
      "agent",
      "zone",
      "program",
      "hub",
      "connection",
      "streams",
      "opened",
      "reset",
      "in",
      "out",
      "round trip",
      "config",
      "certificate",
      "state",
    ],
    connections.map((one) => [
      printable(one.instance),
      printable(one.zone ?? ""),
      printable(one.agentVersion ?? ""),
      String(one.shard),
      one.connection,
      String(one.streams),
      String(one.streamsOpened ?? ""),
      String(one.resets ?? ""),
      one.bytesIn === undefined ? "" : byteCount(one.bytesIn),
      one.bytesOut === undefined ? "" : byteCount(one.bytesOut),
      one.roundTripMs === undefined ? "" : `${Math.round(one.roundTripMs)} ms`,
      String(one.configVersion),
      `${one.certificateSerial} until ${instant(one.certificateNotAfterMs)}`,
      stateOf(one, nowMs),
    ]),
    "no agent is connected",
  );
  const health = table(
    ["endpoint", "health", "reason"],
    endpoints.map(({ key, healthy, reason }) => [key, healthy ? "healthy" : "unhealthy", printable(reason)]),
    "no endpoint is checked",
  );
  return `${agents}\n\n${health}`;
}

function stateOf({ draining, responsive, connectedAtMs }: Connection, nowMs: number): string {
  if (draining) return "draining";
  if (responsive === false) return "does not answer";
  return `serving for ${span(nowMs - connectedAtMs)}`;
}
