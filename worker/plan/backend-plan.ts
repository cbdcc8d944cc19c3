// One backend of the snapshot, ready to be picked from: its balancer and endpoints, or its tunnel.
import type { Administration } from "#contract/administration.ts";
import { counterName } from "#contract/counter-name.ts";
import type { BackendProtocol, SnapshotBackend } from "#contract/snapshot.ts";
import { endpointKey } from "#contract/snapshot.ts";
import type { SelfReport, SyncRequest } from "#contract/sync.ts";
import { type Balancer, createBalancer } from "#traffic/balance/balancer.ts";
import { compileHashKey } from "#traffic/balance/hash-type.ts";
import { EndpointStanding } from "#traffic/balance/endpoint-standing.ts";
import { ErrorWatch } from "#traffic/outlier/error-watch.ts";
import { EndpointWatch } from "#traffic/outlier/endpoint-watch.ts";
import { type BackendLoad, backendLoad } from "./backend-load.ts";
import { type EndpointPlaces, endpointPlaces, type PlaceInputs } from "./endpoint-places.ts";
import { type Answers, compileEndpoint, type EndpointPlan } from "./endpoint-plan.ts";
import type { TunnelPlan } from "./tunnel-plan.ts";

type Ejections = NonNullable<SyncRequest["ejections"]>;

export interface BackendPlan {
  readonly backend: SnapshotBackend;
  readonly balancer: Balancer;
  /** Key of a connection for consistent hashing, of which only the address is known. Absent: Envoy, too, picks at random then. */
  readonly hashAddress: ((address: string) => number) | undefined;
  readonly endpoints: readonly EndpointPlan[];
  readonly load: BackendLoad;
  /** Passive health, where it is configured. */
  readonly watch: EndpointWatch | undefined;
  /** Errors that active checks are to know of, where they are. */
  readonly errors: ErrorWatch | undefined;
  /** See `Isolate.awaitNews`. */
  readonly awaitNews: PlaceInputs["awaitNews"];
  readonly standing: EndpointStanding;
  /** Where endpoints have bounds: who waits for them. */
  readonly places: EndpointPlaces | undefined;
  /** Absent: the gateway dials the endpoints itself. */
  readonly tunnel: TunnelPlan | undefined;
  /** Adds the requests under way to each endpoint that has any, by counter name. */
  gauges(into: Map<string, number>): void;
  /**
   * Marks the endpoints whose keys are in the set as unhealthy, all others as healthy; and takes over what endpoints say of
   * themselves, by their keys.
   */
  applyHealth(
    unhealthy: ReadonlySet<string>,
    reports: Readonly<Record<string, SelfReport>>,
    nowMs: number,
  ): void;
  /** Takes over the region's ejections, by endpoint key. */
  applyEjections(ejected: ReadonlySet<string>, nowMs: number): void;
  /** Compares endpoints and ends ejections that are over; adds those in force, by endpoint key. */
  watchEndpoints(into: Ejections, nowMs: number): void;
  /** Carries out the operators' word; endpoints that it does not name are ready, with the configured weight. */
  applyAdministration(administration: Administration, nowMs: number): void;
}

/** Services that are bound for direct endpoints (`<address>:<port>`); what speaks TLS has one of its own. */
export type DirectServices = (endpointId: string, protocol: BackendProtocol) => Fetcher | undefined;

export interface BackendInputs extends PlaceInputs {
  readonly random: () => number;
  readonly nowMs: number;
  /** Zone that the gateway runs in. */
  readonly zone: string | undefined;
  readonly directService: DirectServices;
  readonly answers: Answers;
  readonly tunnel: TunnelPlan | undefined;
  /** The backend of this name in the snapshot before; its balancer's knowledge carries over. */
  readonly previous: BackendPlan | undefined;
}

export function compileBackend(backend: SnapshotBackend, inputs: BackendInputs): BackendPlan {
  const { random, nowMs, zone, tunnel, previous } = inputs;
  const balancer = createBalancer(backend, random, { previous: previous?.balancer, nowMs, zone });
  const { passive } = backend.healthCheck;
  const ids = backend.endpoints.map(({ id }) => id);
  const watch = passive && new EndpointWatch(passive, ids, balancer, random, nowMs, previous?.watch);
  const keys = backend.endpoints.map((endpoint) => endpointKey(backend.name, endpoint.id));
  const { observe } = backend.healthCheck;
  const errors = observe && new ErrorWatch(observe, backend.endpoints, balancer, previous?.errors);
  const places = endpointPlaces(backend, inputs, previous?.places);
  const standing = new EndpointStanding(backend.endpoints, balancer, previous?.standing);
  return {
    backend,
    balancer,
    hashAddress: hashAddressOf(backend),
    load: backendLoad(backend, previous?.load),
    watch,
    errors,
    awaitNews: inputs.awaitNews,
    standing,
    places,
    tunnel,
    endpoints: compileEndpoints(backend, inputs),
    gauges: (into) => {
      backend.endpoints.forEach(({ id }, index) => {
        const count = balancer.inFlight(index);
        if (count > 0)
          into.set(counterName("requests_in_flight", { backend: backend.name, endpoint: id }), count);
      });
    },
    applyHealth: (unhealthy, reports, atMs) => {
      keys.forEach((key, index) => {
        balancer.setHealthy(index, !unhealthy.has(key) && !errors?.isMarked(index), atMs);
        standing.report(index, reports[key], atMs);
      });
      places?.lookAnew();
    },
    applyEjections: (ejected, atMs) => {
      watch?.setRegional(new Set(ids.filter((_id, index) => ejected.has(keys[index]!))), atMs);
    },
    watchEndpoints: (into, atMs) => {
      if (!watch) return;
      watch.tick(atMs);
      for (const { id, untilMs, reason } of watch.ejections()) {
        into[endpointKey(backend.name, id)] = { untilMs, reason };
      }
    },
    applyAdministration: ({ endpoints }, atMs) => {
      keys.forEach((key, index) => standing.administer(index, endpoints[key], atMs));
      places?.lookAnew();
    },
  };
}

function hashAddressOf({ loadBalancer }: SnapshotBackend): BackendPlan["hashAddress"] {
  const { type, consistentHash = { type: "SourceIP" } } = loadBalancer;
  return type === "ConsistentHash" && consistentHash.type === "SourceIP"
    ? compileHashKey(consistentHash)
    : undefined;
}

/** On its own: a closure over the inputs beside those of the plan would keep the plan before alive, and all before it. */
function compileEndpoints(
  backend: SnapshotBackend,
  { tunnel, directService, answers }: BackendInputs,
): EndpointPlan[] {
  return backend.endpoints.map((endpoint) =>
    compileEndpoint(
      endpoint,
      backend,
      tunnel ? undefined : directService(endpoint.id, backend.protocol),
      answers,
    ),
  );
}
