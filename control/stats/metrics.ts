// The system as Prometheus metrics: what every region counts, under its name, and how the endpoints stand.
import type { Status } from "#contract/admin.ts";
import { parseCounterName } from "#contract/counter-name.ts";
import type { EndpointStanding } from "#contract/administration.ts";
import type { RegionTraffic } from "../store/region-reports.ts";
import { endpointStandings } from "./endpoint-standings.ts";
import { histogramSamples, type MetricFamily, type Sample } from "#contract/prometheus-text.ts";
import type { Observed } from "./system-stats.ts";

/** Counters of the data path by name; one that is not listed is told with a general help text. */
const counterHelp: Readonly<Record<string, string>> = {
  requests_total: "Requests by route, backend and class of status.",
  endpoint_requests_total: "Requests by the endpoint that was tried last and class of status.",
  listener_requests_total: "Requests by listener and class of status.",
  connections_total: "Connections of TCP and TLS listeners that are over, by route, backend and result.",
  endpoint_connections_total: "Connections by the endpoint that was tried last, and whether it was reached.",
  listener_connections_total: "Connections by listener.",
  connection_bytes_total:
    "Bytes of connections that are over and were counted, from the client (in) and to it (out).",
  errors_total: "Errors that the gateway answered itself, by code.",
  retries_total: "Further attempts at a request, by backend.",
  ejections_total: "Endpoints taken out by outlier detection.",
  limit_requests_total: "Decisions of rate limits and concurrency limits, by limit and result.",
  limiter_calls_total: "Calls to the objects that share out quotas.",
  tunnel_handshakes_total: "Agents that wanted to connect, by result: ok, or the code of the refusal.",
  tunnel_streams_opened_total: "Streams to agents, by tunnel.",
  tunnel_streams_reset_total: "Streams that were broken off, by code and by whom.",
  tunnel_bytes_total: "Bytes of bodies, messages and connections, from agents (in) and to them (out).",
  tunnel_forwards_total: "Forwarded connections that are over, by backend and result.",
  tunnel_forward_bytes_total: "Bytes of forwarded connections, from clients (in) and to them (out).",
  sync_calls_total: "Heartbeats of gateway isolates.",
  counters_dropped_total: "Increments under names that found no room.",
};

const histogramHelp: Readonly<Record<string, string>> = {
  request_duration: "Time to the response head by route and backend, in seconds.",
  endpoint_request_duration: "Time to the response head by endpoint, in seconds.",
};

type Region = Status["regions"][number];

/** Sorted by name, so that every family is in one piece. */
export function metricFamilies(observed: Observed): MetricFamily[] {
  const { snapshot, regions, traffic, administered } = observed;
  return [
    ...counters(traffic),
    ...histograms(traffic),
    gauge(
      "requests_in_flight",
      "Requests under way by endpoint.",
      traffic.flatMap(({ region, gauges }) =>
        Object.entries(gauges).flatMap(([name, value]) => {
          const parsed = parseCounterName(name);
          return parsed?.name === "requests_in_flight"
            ? [{ labels: { region, ...parsed.labels }, value }]
            : [];
        }),
      ),
    ),
    gauge("config_version", "Version of the configuration that is current.", [
      { labels: {}, value: observed.version },
    ]),
    ...(regions.length === 0 ? [] : regionGauges(regions)),
    ...endpointGauges(endpointStandings(snapshot, regions, administered)),
  ].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function counters(traffic: readonly RegionTraffic[]): MetricFamily[] {
  const families = new Map<string, Sample[]>();
  for (const { region, counters: totals } of traffic) {
    for (const [text, value] of Object.entries(totals)) {
      const parsed = parseCounterName(text);
      // `requests_total` without labels is the sum of those with; under one name they would be counted twice.
      if (!parsed || text === "requests_total") continue;
      const samples = families.get(parsed.name) ?? [];
      samples.push({ labels: { region, ...parsed.labels }, value });
      families.set(parsed.name, samples);
    }
  }
  return Array.from(families, ([name, samples]) => ({
    name: `isthmus_${name}`,
    help: counterHelp[name] ?? "Counter of the gateways.",
    type: "counter",
    samples,
  }));
}

function histograms(traffic: readonly RegionTraffic[]): MetricFamily[] {
  return Object.entries(histogramHelp).map(([name, help]) => ({
    name: `isthmus_${name}_seconds`,
    help,
    type: "histogram",
    samples: traffic.flatMap(({ region, histograms: totals }) =>
      Object.entries(totals).flatMap(([text, values]) => {
        const parsed = parseCounterName(text);
        return parsed?.name === name ? histogramSamples({ region, ...parsed.labels }, values) : [];
      }),
    ),
  }));
}

function regionGauges(regions: readonly Region[]): MetricFamily[] {
  const byTunnel = regions.flatMap(({ region, agents }) =>
    Array.from(
      Map.groupBy(agents, ({ tunnel }) => tunnel),
      ([tunnel, connected]) => ({
        labels: { region, tunnel },
        connections: connected.length,
        streams: connected.reduce((sum, { streams }) => sum + streams, 0),
        roundTripMs: Math.max(0, ...connected.map(({ roundTripMs = 0 }) => roundTripMs)),
      }),
    ),
  );
  return [
    gauge(
      "region_config_version",
      "Version of the configuration that a region has.",
      regions.map(({ region, snapshotVersion }) => ({ labels: { region }, value: snapshotVersion })),
    ),
    gauge(
      "region_last_sync_timestamp_seconds",
      "When a region last spoke to the control.",
      regions.map(({ region, lastSyncMs }) => ({ labels: { region }, value: lastSyncMs / 1000 })),
    ),
    gauge(
      "gateway_isolates",
      "Gateway isolates that spoke within the last minute.",
      regions.map(({ region, gateways }) => ({ labels: { region }, value: gateways.length })),
    ),
    gauge(
      "tunnel_connections",
      "Connections of agents by tunnel.",
      byTunnel.map(({ labels, connections }) => ({ labels, value: connections })),
    ),
    gauge(
      "tunnel_streams",
      "Streams under way by tunnel.",
      byTunnel.map(({ labels, streams }) => ({ labels, value: streams })),
    ),
    gauge(
      "tunnel_round_trip_seconds",
      "The longest round trip among the connections of a tunnel.",
      byTunnel.map(({ labels, roundTripMs }) => ({ labels, value: roundTripMs / 1000 })),
    ),
    gauge(
      "endpoint_healthy",
      "1 where the health check of a region says that an endpoint is healthy, else 0.",
      regions.flatMap(({ region, endpoints }) =>
        endpoints.map(({ key, healthy }) => {
          const bar = key.lastIndexOf("|");
          const labels = { region, backend: key.slice(0, bar), endpoint: key.slice(bar + 1) };
          return { labels, value: healthy ? 1 : 0 };
        }),
      ),
    ),
  ];
}

function endpointGauges(standings: readonly EndpointStanding[]): MetricFamily[] {
  const labelsOf = ({ backend, endpoint }: EndpointStanding) => ({ backend, endpoint });
  return [
    gauge(
      "endpoint_weight",
      "Weight in force: the operator's or else the configured one.",
      standings.map((standing) => ({ labels: labelsOf(standing), value: standing.weight })),
    ),
    gauge(
      "endpoint_administrative_state",
      "1 for the state an operator asked for: ready, drain or maintenance.",
      standings.map((standing) => ({ labels: { ...labelsOf(standing), state: standing.state }, value: 1 })),
    ),
  ];
}

function gauge(name: string, help: string, samples: readonly Sample[]): MetricFamily {
  return { name: `isthmus_${name}`, help, type: "gauge", samples };
}
