// One TCP or TLS route, ready to be used: who may connect, and how its connections are shared among its backends.
import type { ConnectionInspection, ConnectionRule, TcpRoute } from "#contract/snapshot.ts";
import { compileClientNetworks } from "#traffic/access/client-networks.ts";
import { evenDraws } from "#traffic/split/even-draws.ts";
import { type ConnectionStart } from "#traffic/connection/connection-start.ts";
import { compileInspection, compileMatches, type Verdict } from "#traffic/connection/inspection.ts";
import { compileSplit, type WeightedSplit } from "#traffic/split/weighted-split.ts";
import type { BackendPlan } from "./backend-plan.ts";

export interface ConnectionPlan {
  readonly route: TcpRoute;
  readonly admits: (clientAddress: string) => boolean;
  /** Absent: it does not matter what its connections begin with. */
  readonly inspection: InspectionPlan | undefined;
  /** Of connections that no choice of the inspection takes. */
  readonly rule: ConnectionRulePlan;
}

export interface InspectionPlan {
  readonly timeoutMs: number;
  readonly judge: (start: ConnectionStart) => Verdict;
  /** Undefined: none of the choices takes it. */
  readonly choose: (start: ConnectionStart) => ConnectionRulePlan | undefined;
}

export interface ConnectionRulePlan {
  readonly rule: ConnectionRule;
  readonly split: WeightedSplit;
  /** The next number for `split`. */
  readonly draw: () => number;
  /** By the index of the rule's backendRefs; undefined: the reference is invalid. */
  readonly backends: readonly (BackendPlan | undefined)[];
  /** Of each backendRef; -1: none. */
  readonly preferred: readonly number[];
}

export function compileConnection(
  route: TcpRoute,
  backends: ReadonlyMap<string, BackendPlan>,
  random: () => number,
): ConnectionPlan {
  const { rule, clientCIDRs, inspection } = route;
  const compileRule = (one: ConnectionRule): ConnectionRulePlan =>
    compileConnectionRule(one, backends, random);
  return {
    route,
    admits: clientCIDRs ? compileClientNetworks(clientCIDRs) : () => true,
    inspection: inspection && compileInspectionPlan(inspection, compileRule),
    rule: compileRule(rule),
  };
}

function compileInspectionPlan(
  { timeoutMs, rules, choices }: ConnectionInspection,
  compileRule: (rule: ConnectionRule) => ConnectionRulePlan,
): InspectionPlan {
  const compiled = choices.map((choice) => ({
    test: compileMatches(choice.matches),
    plan: compileRule(choice),
  }));
  return {
    timeoutMs,
    judge: compileInspection(rules),
    choose: (start) => compiled.find(({ test }) => test(start) === "holds")?.plan,
  };
}

function compileConnectionRule(
  rule: ConnectionRule,
  backends: ReadonlyMap<string, BackendPlan>,
  random: () => number,
): ConnectionRulePlan {
  const plans = rule.backendRefs.map(({ backend }) => (backend === null ? undefined : backends.get(backend)));
  return {
    rule,
    split: compileSplit(rule.backendRefs),
    draw: evenDraws(random()),
    backends: plans,
    preferred: rule.backendRefs.map(
      ({ preferredEndpoint: id }, index) =>
        plans[index]?.endpoints.findIndex(({ endpoint }) => endpoint.id === id) ?? -1,
    ),
  };
}
