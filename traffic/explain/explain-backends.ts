// Which backend and endpoint a request goes to: the shares that the balancer itself works out, and for consistent hashing
// the very endpoint.
import { endpointKey, type Snapshot, type SnapshotBackend, type SnapshotRule } from "#contract/snapshot.ts";
import { createBalancer } from "../balance/balancer.ts";
import { hashText } from "../balance/hash-text.ts";
import { compileKeySource } from "../balance/key-source.ts";
import type { RequestHead } from "../match/request-head.ts";
import type { RunTime } from "./explain-request.ts";

export interface BackendExplanation {
  /** `null`: the reference is invalid; its share is answered 500. */
  readonly backend: string | null;
  /** Part of the rule's requests, 0 to 1. */
  readonly share: number;
  /** What binds a client to it, where something does. */
  readonly boundBy?: string;
  readonly algorithm?: string;
  readonly tunnel?: string;
  readonly endpoints: readonly EndpointExplanation[];
}

export interface EndpointExplanation {
  readonly endpoint: string;
  /** Part of the backend's requests that can go anywhere, 0 to 1. */
  readonly share: number;
  /** This request goes here, as long as the endpoints stand as they do. */
  readonly picked: boolean;
  /** Why it gets nothing new. */
  readonly reasons: readonly string[];
}

export function explainBackends(
  snapshot: Snapshot,
  rule: SnapshotRule,
  head: RequestHead,
  runTime: RunTime,
): BackendExplanation[] {
  const total = rule.backendRefs.reduce((sum, { weight }) => sum + weight, 0);
  return rule.backendRefs.map(({ backend: name, weight }) => {
    const backend = snapshot.backends.find((one) => one.name === name);
    return {
      backend: name,
      share: total === 0 ? 0 : weight / total,
      ...(rule.stickySplit && { boundBy: rule.stickySplit.type }),
      ...(backend && { algorithm: backend.loadBalancer.type }),
      ...(backend?.tunnel !== undefined && { tunnel: backend.tunnel }),
      endpoints: backend ? explainEndpoints(backend, head, runTime) : [],
    };
  });
}

/** Any number will do: nothing random is asked of the balancer but where one endpoint alone can be picked. */
const middle = (): number => 0.5;

function explainEndpoints(
  backend: SnapshotBackend,
  head: RequestHead,
  { unhealthy, administration }: RunTime,
): EndpointExplanation[] {
  const balancer = createBalancer(backend, middle);
  backend.endpoints.forEach(({ id }, index) => {
    const key = endpointKey(backend.name, id);
    balancer.setHealthy(index, !unhealthy?.has(key), 0);
    const said = administration?.endpoints[key];
    if (said) balancer.administer(index, said.state, said.weight, 0);
  });
  const { endpoints } = balancer.status();
  const { consistentHash, type } = backend.loadBalancer;
  const hashed =
    type === "ConsistentHash" ? compileKeySource(consistentHash ?? { type: "SourceIP" })(head) : undefined;
  const alone = endpoints.filter(({ load }) => load > 0).length === 1;
  const picked =
    hashed !== undefined || alone
      ? balancer.pick({ nowMs: 0, hashKey: hashed === undefined ? undefined : hashText(hashed) })
      : -1;
  return endpoints.map(({ id, load, reasons }, index) => ({
    endpoint: id,
    share: load,
    picked: index === picked,
    reasons:
      load === 0 && reasons.length === 0 ? ["weight 0, or helps out only when others are down"] : reasons,
  }));
}
