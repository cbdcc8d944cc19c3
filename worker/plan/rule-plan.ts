// The rules of a snapshot, each compiled to the handler of its requests. A rule keeps its handler, with all that its stages
// have learned, from snapshot to snapshot, as long as neither its route nor a backend that it names changes.
import { GatewayError } from "#contract/error.ts";
import { backendsOfFilter } from "#contract/filter-backends.ts";
import type { SnapshotRoute, SnapshotRule } from "#contract/snapshot.ts";
import { keptItem, StepLength, type Steps } from "#contract/steps.ts";
import { combinePlans, compileFilters } from "#traffic/filter/compile.ts";
import { type AccessPolicy, accessPolicies } from "../access/access-policy.ts";
import { compose, type Handler } from "../stage/stage.ts";
import type { BackendPlan } from "./backend-plan.ts";
import type { PlanInputs } from "./snapshot-plan.ts";

export interface RulePlan {
  readonly handler: Handler;
  readonly route: SnapshotRoute;
  /** Of backends that the rule names. */
  readonly names: readonly string[];
  /** Those, and no others. */
  readonly backends: ReadonlyMap<string, BackendPlan>;
}

export type RulePlans = ReadonlyMap<SnapshotRule, RulePlan>;

/** `previous`: of a plan with the same stages. */
export function* ruleSteps(
  routes: readonly SnapshotRoute[],
  backends: ReadonlyMap<string, BackendPlan>,
  previous: RulePlans | undefined,
  inputs: PlanInputs,
): Steps<RulePlans> {
  const step = new StepLength();
  const accessOf = accessPolicies();
  const plans = new Map<SnapshotRule, RulePlan>();
  for (const route of routes) {
    for (const rule of route.rules) {
      const kept = sameRule(previous?.get(rule), route, backends);
      const access = (): AccessPolicy | undefined => accessOf(rule.securityPolicy ?? route.securityPolicy);
      plans.set(rule, kept ?? compileRule(route, rule, access(), backends, inputs));
      if (step.isFull(kept ? keptItem : 1)) yield;
    }
  }
  return plans;
}

function sameRule(
  before: RulePlan | undefined,
  route: SnapshotRoute,
  backends: ReadonlyMap<string, BackendPlan>,
): RulePlan | undefined {
  if (before?.route !== route) return undefined;
  const isSame = before.names.every((name) => before.backends.get(name) === backends.get(name));
  return isSame ? before : undefined;
}

function namesOf({ backendRefs, filters }: SnapshotRule): string[] {
  const named = (all: SnapshotRule["filters"]): string[] =>
    all.flatMap((filter) => backendsOfFilter(filter).map(({ name }) => name));
  const ofRefs = backendRefs.flatMap(({ backend, filters: own }) => [backend ?? [], named(own)].flat());
  return filters.length === 0 ? ofRefs : [...ofRefs, ...named(filters)];
}

function compileRule(
  route: SnapshotRoute,
  rule: SnapshotRule,
  access: AccessPolicy | undefined,
  all: ReadonlyMap<string, BackendPlan>,
  { stages, random, limiter, secret, fetchStatistics }: PlanInputs,
): RulePlan {
  const names = namesOf(rule);
  const backends = named(names, all);
  const filters = compileFilters(rule.filters);
  const branchFilters = rule.backendRefs.map((ref) => combinePlans(filters, compileFilters(ref.filters)));
  const branches = rule.backendRefs.map((ref, index): Handler => {
    const backend = ref.backend === null ? undefined : backends.get(ref.backend);
    if (!backend) return invalidBackend;
    const branch = { rule, access, ref, filters: branchFilters[index]!, backend, backends, random };
    return compose(stages.backend, branch);
  });
  const handler = compose(stages.rule, {
    rule,
    route: route.name,
    access,
    filters,
    branchFilters,
    branches,
    backends,
    random,
    secret,
    limiter,
    fetchStatistics,
  });
  return { handler, route, names, backends };
}

/** A stage that asks for another backend than those of `namesOf` finds none, so that it cannot hold on to an old one. */
function named(names: readonly string[], all: ReadonlyMap<string, BackendPlan>): Map<string, BackendPlan> {
  const backends = new Map<string, BackendPlan>();
  for (const name of names) {
    const backend = all.get(name);
    if (backend) backends.set(name, backend);
  }
  return backends;
}

/** Gateway API, HTTPBackendRef: the share of an invalid reference is answered 500. */
function invalidBackend(): never {
  throw new GatewayError("backend_invalid");
}
