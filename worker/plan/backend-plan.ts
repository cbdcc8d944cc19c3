// One backend of the snapshot, ready to be picked from: its balancer and endpoints, or its tunnel.
import type { Administration } from "#contract/administration.ts";
import { counterName } from "#contract/counter-name.ts";
import type { SnapshotBackend } from "#contract/snapshot.ts";
import { endpointKey } from "#contract/snapshot.ts";
import { type Balancer, createBalancer } from "#traffic/balance/balancer.ts";
import { compileEndpoint, type EndpointPlan } from "./endpoint-plan.ts";
import type { TunnelPlan } from "./tunnel-plan.ts";

export interface BackendPlan {
  readonly backend: SnapshotBackend;
  readonly balancer: Balancer;
  readonly endpoints: readonly EndpointPlan[];
  /** Absent: the gateway dials the endpoints itself. */
  readonly tunnel: TunnelPlan | undefined;
  /** Adds the requests under way to each endpoint that has any, by counter name. */
  gauges(into: Map<string, number>): void;
  /** Marks the endpoints whose keys are in the set as unhealthy, all others as healthy. */
  applyHealth(unhealthy: ReadonlySet<string>, nowMs: number): void;
  /** Carries out the operators' word; endpoints that it does not name are ready, with the configured weight. */
  applyAdministration(administration: Administration, nowMs: number): void;
}

export interface BackendInputs {
  readonly random: () => number;
  readonly nowMs: number;
  /** Endpoints of the snapshot that come before those of this backend. */
  readonly endpointsBefore: number;
  readonly directService: (endpointId: string) => Fetcher | undefined;
  readonly tunnel: TunnelPlan | undefined;
  /** The same backend in the snapshot before; its balancer's knowledge carries over. */
  readonly previous: BackendPlan | undefined;
}

export function compileBackend(backend: SnapshotBackend, inputs: BackendInputs): BackendPlan {
  const { random, nowMs, tunnel, previous } = inputs;
  const balancer = createBalancer(backend, random, { previous: previous?.balancer, nowMs });
  const keys = backend.endpoints.map((endpoint) => endpointKey(backend.name, endpoint.id));
  return {
    backend,
    balancer,
    tunnel,
    endpoints: backend.endpoints.map((endpoint, index) =>
      compileEndpoint(
        endpoint,
        inputs.endpointsBefore + index,
        backend.protocol,
        tunnel ? undefined : inputs.directService(endpoint.id),
      ),
    ),
    gauges: (into) => {
      backend.endpoints.forEach(({ id }, index) => {
        const count = balancer.inFlight(index);
        if (count > 0)
          into.set(counterName("requests_in_flight", { backend: backend.name, endpoint: id }), count);
      });
    },
    applyHealth: (unhealthy, atMs) => {
      keys.forEach((key, index) => balancer.setHealthy(index, !unhealthy.has(key), atMs));
    },
    applyAdministration: ({ endpoints }, atMs) => {
      keys.forEach((key, index) => {
        const { state, weight } = endpoints[key] ?? { state: "ready" as const, weight: undefined };
        balancer.administer(index, state, weight, atMs);
      });
    },
  };
}
