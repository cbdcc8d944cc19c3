// One backend of the snapshot, ready to be picked from: its balancer and endpoints, or its tunnel.
import type { Administration } from "#contract/administration.ts";
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
  /** Marks the endpoints whose keys are in the set as unhealthy, all others as healthy. */
  applyHealth(unhealthy: ReadonlySet<string>, nowMs: number): void;
  /** Carries out the operators' word; endpoints that it does not name are ready, with the configured weight. */
  applyAdministration(administration: Administration, nowMs: number): void;
}

export interface BackendInputs {
  readonly random: () => number;
  readonly nowMs: number;
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
    endpoints: backend.endpoints.map((endpoint) =>
      compileEndpoint(endpoint, backend.protocol, tunnel ? undefined : inputs.directService(endpoint.id)),
    ),
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
