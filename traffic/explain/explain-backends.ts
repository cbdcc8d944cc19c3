// Which backend and endpoint a request or connection goes to: the shares that the balancer itself works out, and for
// consistent hashing the very endpoint.
import type { Administration } from "#contract/administration.ts";
import {
  endpointKey,
  type Snapshot,
  type SnapshotBackend,
  type SnapshotBackendRef,
} from "#contract/snapshot.ts";
import { createBalancer, type Balancer } from "../balance/balancer.ts";
import { compileHashKey } from "../balance/hash-type.ts";

/** What is so at run time; absent parts: every endpoint is healthy, nobody has administered any. */
export interface RunTime {
  /** Keys of endpoints. */
  readonly unhealthy?: ReadonlySet<string>;
  readonly administration?: Administration;
}

export interface BackendExplanation {
  /** `null`: the reference is invalid; its share is answered 500. */
  readonly backend: string | null;
  /** Part of what the rule takes, 0 to 1. */
  readonly share: number;
  /** What binds a client to it, where something does. */
  readonly boundBy?: string;
  readonly algorithm?: string;
  readonly tunnel?: string;
  readonly endpoints: readonly EndpointExplanation[];
}

export interface EndpointExplanation {
  readonly endpoint: string;
  /** Part of what the backend gets that can go anywhere, 0 to 1. */
  readonly share: number;
  /** This one goes here, as long as the endpoints stand as they do. */
  readonly picked: boolean;
  /** Why it gets nothing new. */
  readonly reasons: readonly string[];
}

/** What a rule of requests and one of connections have in common. */
interface BackendChoice {
  readonly backendRefs: readonly Pick<SnapshotBackendRef, "backend" | "weight" | "fallback">[];
  readonly stickySplit?: { readonly type: string } | undefined;
}

/** `hashTextOf`: what a backend that hashes consistently hashes; undefined where there is nothing of the kind. */
export function explainBackends(
  snapshot: Snapshot,
  { backendRefs, stickySplit }: BackendChoice,
  hashTextOf: (backend: SnapshotBackend) => string | undefined,
  runTime: RunTime,
): BackendExplanation[] {
  const explained = backendRefs.map(({ backend: name, weight, fallback = false }) => {
    const backend = snapshot.backends.find((one) => one.name === name);
    const endpoints = backend ? explainEndpoints(backend, hashTextOf, runTime) : [];
    return { name, weight, fallback, backend, endpoints };
  });
  const isUp = explained.some(
    ({ fallback, endpoints }) => !fallback && endpoints.some(({ reasons }) => reasons.length === 0),
  );
  const takesPart = ({ fallback }: { fallback: boolean }): boolean =>
    fallback !== isUp || !explained.some((one) => one.fallback);
  const total = explained.filter(takesPart).reduce((sum, { weight }) => sum + weight, 0);
  return explained.map((one) => ({
    backend: one.name,
    share: total === 0 || !takesPart(one) ? 0 : one.weight / total,
    ...(stickySplit && { boundBy: stickySplit.type }),
    ...(one.backend && { algorithm: one.backend.loadBalancer.type }),
    ...(one.backend?.tunnel !== undefined && { tunnel: one.backend.tunnel }),
    endpoints: one.endpoints,
  }));
}

/** Any number will do: nothing random is asked of the balancer but where one endpoint alone can be picked. */
const middle = (): number => 0.5;

/** As `RequestHead.endpointsUp`. */
export function countEndpointsUp(
  { backends }: Snapshot,
  runTime: RunTime,
): (name: string) => number | undefined {
  // Asked for each condition of each request of a sample; the endpoints stand as they do for all of them.
  const counts = new Map<string, number | undefined>();
  return (name) => {
    if (!counts.has(name)) {
      const backend = backends.find((one) => one.name === name);
      counts.set(name, backend && balancerAt(backend, runTime).endpointsUp());
    }
    return counts.get(name);
  };
}

/** With its endpoints as they stand. */
function balancerAt(backend: SnapshotBackend, { unhealthy, administration }: RunTime): Balancer {
  const balancer = createBalancer(backend, middle);
  backend.endpoints.forEach(({ id }, index) => {
    const key = endpointKey(backend.name, id);
    balancer.setHealthy(index, !unhealthy?.has(key), 0);
    const said = administration?.endpoints[key];
    if (said) balancer.administer(index, said.state, said.weight, 0);
  });
  return balancer;
}

function explainEndpoints(
  backend: SnapshotBackend,
  hashTextOf: (backend: SnapshotBackend) => string | undefined,
  runTime: RunTime,
): EndpointExplanation[] {
  const balancer = balancerAt(backend, runTime);
  const { endpoints } = balancer.status();
  const hashed = backend.loadBalancer.type === "ConsistentHash" ? hashTextOf(backend) : undefined;
  const numberOf = compileHashKey(backend.loadBalancer.consistentHash ?? { type: "SourceIP" });
  const alone = endpoints.filter(({ load }) => load > 0).length === 1;
  const picked =
    hashed !== undefined || alone
      ? balancer.pick({ nowMs: 0, hashKey: hashed === undefined ? undefined : numberOf(hashed) })
      : -1;
  return endpoints.map(({ id, load, reasons }, index) => ({
    endpoint: id,
    share: load,
    picked: index === picked,
    reasons:
      load === 0 && reasons.length === 0 ? ["weight 0, or helps out only when others are down"] : reasons,
  }));
}
