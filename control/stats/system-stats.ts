// Statistics of the system: the current snapshot with what regions count and operators say. Pure.
import type { Status } from "#contract/admin.ts";
import type { AdministeredEndpoint, EndpointStanding } from "#contract/administration.ts";
import { isLayer4, type Snapshot, type SnapshotBackend } from "#contract/snapshot.ts";
import type { BackendStats, EndpointStats, Stats } from "#contract/stats.ts";
import type { RegionTraffic } from "../store/region-reports.ts";
import { endpointStandings } from "./endpoint-standings.ts";
import { TrafficTotals } from "./traffic-totals.ts";

export interface Observed {
  readonly version: number;
  readonly snapshot: Snapshot;
  readonly regions: Status["regions"];
  readonly traffic: readonly RegionTraffic[];
  readonly administered: readonly AdministeredEndpoint[];
}

export function systemStats(observed: Observed, nowMs: number): Stats {
  const { version, snapshot, regions } = observed;
  const totals = new TrafficTotals(observed.traffic);
  const standings = endpointStandings(snapshot, regions, observed.administered);
  const connecting = new Set(snapshot.backends.filter(isLayer4).map(({ name }) => name));
  const endpoints = Map.groupBy(
    standings.map((standing) => endpointStats(standing, connecting.has(standing.backend), totals)),
    ({ backend }) => backend,
  );
  return {
    version,
    atMs: nowMs,
    regions: regions.map(({ region, lastSyncMs, snapshotVersion, gateways, agents }) => ({
      region,
      lastSyncMs,
      snapshotVersion,
      gateways: gateways.length,
      agents: agents.length,
    })),
    listeners: snapshot.listeners.map(({ name, protocol, port, hostnames }) => ({
      name,
      protocol,
      port,
      hostnames,
      ...(isLayer4({ protocol })
        ? totals.connections("listener_connections_total", { listener: name })
        : totals.traffic("listener_requests_total", { listener: name })),
    })),
    backends: snapshot.backends.map((backend) =>
      backendStats(backend, endpoints.get(backend.name) ?? [], totals),
    ),
  };
}

function endpointStats(standing: EndpointStanding, connects: boolean, totals: TrafficTotals): EndpointStats {
  const { backend, endpoint } = standing;
  const labels = { backend, endpoint };
  const averageMs = totals.averageMs("endpoint_request_duration", labels);
  return {
    ...standing,
    ...(connects
      ? totals.connections("endpoint_connections_total", labels)
      : totals.traffic("endpoint_requests_total", labels)),
    inFlight: totals.gauge("requests_in_flight", labels),
    ...(averageMs !== undefined && { averageMs }),
    ejections: totals.count("ejections_total", labels),
  };
}

function backendStats(
  { name, tunnel, protocol, loadBalancer }: SnapshotBackend,
  endpoints: EndpointStats[],
  totals: TrafficTotals,
): BackendStats {
  const labels = { backend: name };
  const averageMs = totals.averageMs("request_duration", labels);
  return {
    name,
    ...(tunnel !== undefined && { tunnel }),
    protocol,
    algorithm: loadBalancer.type,
    up: endpoints.some(isServing),
    ...(isLayer4({ protocol })
      ? totals.connections("connections_total", labels)
      : totals.traffic("requests_total", labels)),
    inFlight: endpoints.reduce((sum, { inFlight }) => sum + inFlight, 0),
    ...(averageMs !== undefined && { averageMs }),
    retries: totals.count("retries_total", labels),
    endpoints,
  };
}

/** Whether an endpoint gets new requests, as far as operators and health checks go. */
export function isServing({ state, weight, health }: EndpointStanding): boolean {
  return state === "ready" && weight > 0 && health !== "unhealthy";
}
