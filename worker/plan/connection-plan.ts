// One TCP or TLS route, ready to be used: who may connect, and how its connections are shared among its backends.
import type { ConnectionRule, TcpRoute } from "#contract/snapshot.ts";
import { compileClientNetworks } from "#traffic/access/client-networks.ts";
import { evenDraws } from "#traffic/split/even-draws.ts";
import { compileSplit, type WeightedSplit } from "#traffic/split/weighted-split.ts";
import type { BackendPlan } from "./backend-plan.ts";

export interface ConnectionPlan {
  readonly route: TcpRoute;
  readonly rule: ConnectionRule;
  readonly admits: (clientAddress: string) => boolean;
  readonly split: WeightedSplit;
  /** The next number for `split`. */
  readonly draw: () => number;
  /** By the index of the rule's backendRefs; undefined: the reference is invalid. */
  readonly backends: readonly (BackendPlan | undefined)[];
}

export function compileConnection(
  route: TcpRoute,
  backends: ReadonlyMap<string, BackendPlan>,
  random: () => number,
): ConnectionPlan {
  const { rule, clientCIDRs } = route;
  return {
    route,
    rule,
    admits: clientCIDRs ? compileClientNetworks(clientCIDRs) : () => true,
    split: compileSplit(rule.backendRefs),
    draw: evenDraws(random()),
    backends: rule.backendRefs.map(({ backend }) => (backend === null ? undefined : backends.get(backend))),
  };
}
