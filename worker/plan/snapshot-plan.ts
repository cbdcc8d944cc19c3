// A snapshot with everything that depends on it alone worked out: matcher, balancers, and one handler per rule. Replaced
// as a whole; a request keeps the plan that it started with.
import { GatewayError } from "#contract/error.ts";
import type {
  SnapshotBackend,
  SnapshotRoute,
  SnapshotRule,
  SnapshotSettings,
  VersionedSnapshot,
} from "#contract/snapshot.ts";
import { itemsPerStep, type Steps } from "#contract/steps.ts";
import { compileConnections, type ConnectionTable } from "#traffic/connection/connection-table.ts";
import { combinePlans, compileFilters } from "#traffic/filter/compile.ts";
import { compileErrorPages, type ErrorPageFinder } from "#traffic/filter/local-response.ts";
import { type ClientDetector, compileClientDetection } from "#traffic/forwarding/forwarded.ts";
import { type Matcher, matcherSteps } from "#traffic/match/matcher.ts";
import { type AccessPolicy, accessPolicies } from "../access/access-policy.ts";
import type { Limiter } from "../limit/limiter.ts";
import { type SpanOf, withSpans } from "../report/stage-spans.ts";
import { Tracer } from "../report/tracer.ts";
import type { BackendScope, Handler, RuleScope, Stage } from "../stage/stage.ts";
import { compose } from "../stage/stage.ts";
import type { FetchStatistics } from "../stage/statistics.ts";
import { type BackendPlan, compileBackend, type DirectServices } from "./backend-plan.ts";
import type { Answers } from "./endpoint-plan.ts";
import { compileConnection, type ConnectionPlan } from "./connection-plan.ts";
import { compileListeners, type ListenerTable } from "#traffic/match/listener-table.ts";
import { RequestCounters } from "./request-counters.ts";
import { type HubFetch, TunnelPlan } from "./tunnel-plan.ts";

export interface SnapshotPlan {
  readonly version: number;
  readonly hash: string;
  readonly settings: SnapshotSettings;
  readonly listeners: ListenerTable;
  readonly matcher: Matcher;
  readonly detectClient: ClientDetector;
  /** By `RuleMatch.ruleIndex`. */
  readonly handlers: readonly Handler[];
  /** By the names that listeners and rules refer to them by. */
  readonly errorPages: ReadonlyMap<string, ErrorPageFinder>;
  readonly connections: ConnectionTable<ConnectionPlan>;
  readonly backends: ReadonlyMap<string, BackendPlan>;
  /** Those with passive health. */
  readonly watched: readonly BackendPlan[];
  readonly tunnels: ReadonlyMap<string, TunnelPlan>;
  readonly counters: RequestCounters;
  /** Of all gateways of the system. */
  readonly secret: string;
  /** Absent: tracing is off. */
  readonly tracer: Tracer | undefined;
}

/** The two lists of `app.ts`: what happens before a backend is picked, and after. */
export interface PolicyStages {
  readonly rule: readonly Stage<RuleScope>[];
  readonly backend: readonly Stage<BackendScope>[];
  /** Stages that are told of in traces. */
  readonly spanOf: ReadonlyMap<unknown, SpanOf>;
}

export interface PlanInputs {
  readonly stages: PolicyStages;
  readonly random: () => number;
  readonly nowMs: number;
  /** Zone that the gateway runs in, if it is known. */
  readonly zone: string | undefined;
  /** What sessions are signed and sticky splits keyed with; the same for all gateways. */
  readonly secret: string;
  readonly directService: DirectServices;
  readonly answers: Answers;
  readonly fetchHub: HubFetch;
  /** The isolate's, which outlives the plan. */
  readonly limiter: Limiter;
  readonly fetchStatistics: FetchStatistics;
  /** The plan that this one replaces. */
  readonly previous: SnapshotPlan | undefined;
}

/** A piece at a time: the requests of the plan before go on meanwhile. */
export function* planSteps(
  { version, hash, snapshot }: VersionedSnapshot,
  inputs: PlanInputs,
): Steps<SnapshotPlan> {
  const tunnels = new Map<string, TunnelPlan>();
  const backends = yield* backendSteps(snapshot.backends, tunnels, inputs);
  return {
    version,
    hash,
    settings: snapshot.settings,
    listeners: compileListeners(snapshot.listeners),
    matcher: yield* matcherSteps(snapshot),
    detectClient: compileClientDetection(snapshot.settings.clientIPDetection),
    handlers: yield* handlerSteps(snapshot.routes, backends, {
      ...inputs,
      stages: snapshot.settings.tracing?.otlpEndpoint ? withSpans(inputs.stages) : inputs.stages,
    }),
    errorPages: new Map(snapshot.errorPages?.map(({ name, pages }) => [name, compileErrorPages(pages)])),
    connections: compileConnections(snapshot, (route) => compileConnection(route, backends, inputs.random)),
    backends,
    watched: [...backends.values()].filter(({ watch }) => watch),
    tunnels,
    counters: new RequestCounters(snapshot),
    secret: inputs.secret,
    tracer: snapshot.settings.tracing && new Tracer(snapshot.settings.tracing, inputs.random),
  };
}

function* backendSteps(
  configured: readonly SnapshotBackend[],
  tunnels: Map<string, TunnelPlan>,
  inputs: PlanInputs,
): Steps<Map<string, BackendPlan>> {
  const backends = new Map<string, BackendPlan>();
  let endpointsBefore = 0;
  for (const backend of configured) {
    const tunnel = backend.tunnel === undefined ? undefined : tunnelOf(tunnels, backend.tunnel, inputs);
    const previous = inputs.previous?.backends.get(backend.name);
    backends.set(backend.name, compileBackend(backend, { ...inputs, tunnel, previous, endpointsBefore }));
    endpointsBefore += backend.endpoints.length;
    if (backends.size % itemsPerStep === 0) yield;
  }
  return backends;
}

function* handlerSteps(
  routes: readonly SnapshotRoute[],
  backends: ReadonlyMap<string, BackendPlan>,
  inputs: PlanInputs,
): Steps<Handler[]> {
  const accessOf = accessPolicies();
  const handlers: Handler[] = [];
  for (const route of routes) {
    for (const rule of route.rules) {
      const access = accessOf(rule.securityPolicy ?? route.securityPolicy);
      handlers.push(compileRule(rule, route.name, access, backends, inputs));
      if (handlers.length % itemsPerStep === 0) yield;
    }
  }
  return handlers;
}

/** A tunnel that the plan before had keeps what is known of its agents. */
function tunnelOf(tunnels: Map<string, TunnelPlan>, name: string, inputs: PlanInputs): TunnelPlan {
  const tunnel =
    tunnels.get(name) ?? inputs.previous?.tunnels.get(name) ?? new TunnelPlan(name, inputs.fetchHub);
  tunnels.set(name, tunnel);
  return tunnel;
}

function compileRule(
  rule: SnapshotRule,
  route: string,
  access: AccessPolicy | undefined,
  backends: ReadonlyMap<string, BackendPlan>,
  { stages, random, limiter, secret, fetchStatistics }: PlanInputs,
): Handler {
  const filters = compileFilters(rule.filters);
  const branchFilters = rule.backendRefs.map((ref) => combinePlans(filters, compileFilters(ref.filters)));
  const branches = rule.backendRefs.map((ref, index): Handler => {
    const backend = ref.backend === null ? undefined : backends.get(ref.backend);
    if (!backend) return invalidBackend;
    const branch = { rule, access, ref, filters: branchFilters[index]!, backend, backends, random };
    return compose(stages.backend, branch);
  });
  return compose(stages.rule, {
    rule,
    route,
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
}

/** Gateway API, HTTPBackendRef: the share of an invalid reference is answered 500. */
function invalidBackend(): never {
  throw new GatewayError("backend_invalid");
}
