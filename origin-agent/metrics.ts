// The agent's numbers for Prometheus, on a port of their own: `--metrics [HOST:]PORT`.
import { createServer, type Server } from "node:http";
import {
  type MetricFamily,
  prometheusContentType,
  prometheusText,
  type Sample,
} from "#contract/prometheus-text.ts";
import type { SessionTally } from "#traffic/tunnel/session-tally.ts";
import { AgentError, systemCode } from "./agent-error.ts";
import type { TunnelConnection } from "./connection.ts";
import type { Verdict } from "./health-prober.ts";
import type { Identity } from "./identity-store.ts";
import { agentVersion } from "./version.ts";

export interface MetricsSource {
  readonly tunnel: string;
  /** Open now. */
  connections(): readonly TunnelConnection[];
  /** Of connections that are over; see {@link AgentTotals}. */
  readonly totals: AgentTotals;
  readonly identity: () => Identity | undefined;
  readonly configVersion: () => number;
  readonly verdicts: () => Readonly<Record<string, Verdict>>;
}

/** What connections that are over have done, and how many there were in all. */
export class AgentTotals {
  authenticated = 0;
  streams = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** By code and who reset: `connect_failed|agent`. */
  readonly resets = new Map<string, number>();

  add(tally: SessionTally): void {
    this.streams += tally.streamsOpened;
    this.bytesIn += tally.bytesIn;
    this.bytesOut += tally.bytesOut;
    for (const [key, count] of resetsOf(tally)) this.#reset(key, count);
  }

  /** These, and what sessions that go on have done. */
  with(tallies: Iterable<SessionTally>): AgentTotals {
    const sum = new AgentTotals();
    const { authenticated, streams, bytesIn, bytesOut } = this;
    Object.assign(sum, { authenticated, streams, bytesIn, bytesOut });
    for (const [key, count] of this.resets) sum.#reset(key, count);
    for (const tally of tallies) sum.add(tally);
    return sum;
  }

  #reset(key: string, count: number): void {
    this.resets.set(key, (this.resets.get(key) ?? 0) + count);
  }
}

function* resetsOf({ resetsSent, resetsReceived }: SessionTally): Generator<[string, number]> {
  for (const [code, count] of resetsSent) yield [`${code}|agent`, count];
  for (const [code, count] of resetsReceived) yield [`${code}|hub`, count];
}

export function agentMetrics(source: MetricsSource): MetricFamily[] {
  return [...connectionMetrics(source), ...sumMetrics(source), ...stateMetrics(source)];
}

function connectionMetrics({ tunnel, connections }: MetricsSource): MetricFamily[] {
  const open = connections().map((connection) => connection.describe());
  const each = (valueOf: (state: (typeof open)[number]) => number): Sample[] =>
    open.map((one) => ({
      labels: { tunnel, shard: String(one.shard), state: one.state, connection: one.connection ?? "" },
      value: valueOf(one),
    }));
  const round = ({ roundTripMs = 0 }: (typeof open)[number]): number => roundTripMs / 1000;
  return [
    family(
      "connections",
      "gauge",
      "Connections to hubs.",
      each(() => 1),
    ),
    family(
      "streams",
      "gauge",
      "Streams under way.",
      each(({ streams = 0 }) => streams),
    ),
    family("round_trip_seconds", "gauge", "Of a connection, smoothed; 0: not measured yet.", each(round)),
  ];
}

function sumMetrics({ tunnel, connections, totals }: MetricsSource): MetricFamily[] {
  const tallies = connections().flatMap(({ tally }) => tally ?? []);
  const { authenticated, streams, bytesIn, bytesOut, resets } = totals.with(tallies);
  const labels = { tunnel };
  const bytes = [
    { labels: { ...labels, direction: "in" }, value: bytesIn },
    { labels: { ...labels, direction: "out" }, value: bytesOut },
  ];
  const broken = Array.from(resets, ([key, value]) => {
    const [code = "", by = ""] = key.split("|");
    return { labels: { ...labels, code, by }, value };
  });
  const carried = "Bytes of bodies, messages and connections, from the edge (in) and to it (out).";
  return [
    counter("connections_total", "Connections that were authenticated.", [{ labels, value: authenticated }]),
    counter("streams_opened_total", "Streams that the edge has opened.", [{ labels, value: streams }]),
    counter("bytes_total", carried, bytes),
    counter("streams_reset_total", "Streams that were broken off, by code and by whom.", broken),
  ];
}

function stateMetrics({ tunnel, identity, configVersion, verdicts }: MetricsSource): MetricFamily[] {
  const labels = { tunnel };
  const expires = identity()?.notAfterMs;
  const health = Object.entries(verdicts()).map(([key, { healthy }]) => {
    const bar = key.lastIndexOf("|");
    return { labels: { backend: key.slice(0, bar), endpoint: key.slice(bar + 1) }, value: healthy ? 1 : 0 };
  });
  const ends = expires === undefined ? [] : [{ labels, value: expires / 1000 }];
  const program = { labels: { ...labels, version: agentVersion, node: process.version }, value: 1 };
  const isHealthy = "1 where this agent's health check says that an endpoint is healthy, else 0.";
  return [
    family("endpoint_healthy", "gauge", isHealthy, health),
    family("config_version", "gauge", "Version of the configuration that the agent has.", [
      { labels, value: configVersion() },
    ]),
    family("certificate_not_after_timestamp_seconds", "gauge", "When the agent's certificate ends.", ends),
    family("info", "gauge", "Always 1; versions of program and runtime are labels.", [program]),
  ];
}

function counter(name: string, help: string, samples: readonly Sample[]): MetricFamily {
  return family(name, "counter", help, samples);
}

function family(
  name: string,
  type: "counter" | "gauge",
  help: string,
  samples: readonly Sample[],
): MetricFamily {
  return { name: `isthmus_agent_${name}`, type, help, samples };
}

/** Serves `GET /metrics`. Throws `AgentError` `options_invalid` when the port cannot be had. */
export async function openMetrics(
  { host, port }: { readonly host: string; readonly port: number },
  source: MetricsSource,
): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.method !== "GET" || request.url?.split("?", 1)[0] !== "/metrics") {
      return void response.writeHead(404).end();
    }
    response
      .writeHead(200, { "content-type": prometheusContentType })
      .end(prometheusText(agentMetrics(source)));
  });
  server.maxConnections = 64;
  await new Promise<void>((done, fail) => {
    server.once("error", (error) => {
      const reason = `cannot listen on ${host}:${port} for metrics: ${systemCode(error) ?? error.message}`;
      fail(
        new AgentError("options_invalid", reason, {
          remedy: "Choose another port for --metrics.",
          cause: error,
        }),
      );
    });
    server.listen({ host, port }, done);
  });
  return server;
}
