// A snapshot with everything that depends on it alone worked out: matcher, balancers, and one handler per rule. Replaced
// as a whole, though most of it is the plan's before; a request keeps the plan that it started with.
import type { SnapshotBackend, SnapshotSettings, VersionedSnapshot } from "#contract/snapshot.ts";
import { keptItem, StepLength, type Steps } from "#contract/steps.ts";
import { compileConnections, type ConnectionTable } from "#traffic/connection/connection-table.ts";
import { CounterTables } from "#traffic/counter/counter-tables.ts";
import { compileErrorPages, type ErrorPageFinder } from "#traffic/filter/local-response.ts";
import { type ClientDetector, compileClientDetection } from "#traffic/forwarding/forwarded.ts";
import { type Matcher, matcherSteps } from "#traffic/match/matcher.ts";
import type { Limiter } from "../limit/limiter.ts";
import { type SpanOf, withSpans } from "../report/stage-spans.ts";
import { Tracer } from "../report/tracer.ts";
import type { BackendScope, RuleScope, Stage } from "../stage/stage.ts";
import type { FetchStatistics } from "../stage/statistics.ts";
import { type BackendPlan, compileBackend, type DirectServices } from "./backend-plan.ts";
import type { Answers } from "./endpoint-plan.ts";
import type { ShareOf } from "./endpoint-places.ts";
import { compileConnection, type ConnectionPlan } from "./connection-plan.ts";
import { compileListenerHeaders, type ListenerHeaders } from "./listener-headers.ts";
import { compileListeners, type ListenerTable } from "#traffic/match/listener-table.ts";
import type { RequestCounters } from "./request-counters.ts";
import { type RulePlans, ruleSteps } from "./rule-plan.ts";
import { TunnelPlan, type TunnelPorts } from "./tunnel-plan.ts";

export interface SnapshotPlan {
  readonly version: number;
  readonly hash: string;
  readonly settings: SnapshotSettings;
  readonly listeners: ListenerTable;
  readonly listenerHeaders: ReadonlyMap<string, ListenerHeaders>;
  readonly matcher: Matcher;
  readonly detectClient: ClientDetector;
  /** Of listeners that have their own, by name. */
  readonly detectClientAt: ReadonlyMap<string, ClientDetector>;
  /** Whether stages are told of in traces. */
  readonly spans: boolean;
  /** By the rule that a request falls to. */
  readonly rules: RulePlans;
  /** By the names that listeners and rules refer to them by. */
  readonly errorPages: ReadonlyMap<string, ErrorPageFinder>;
  readonly counterTables: CounterTables;
  readonly connections: ConnectionTable<ConnectionPlan>;
  readonly backends: ReadonlyMap<string, BackendPlan>;
  /** Those with passive health. */
  readonly watched: readonly BackendPlan[];
  /** Backends whose checks are told of errors. */
  readonly observed: readonly BackendPlan[];
  readonly tunnels: ReadonlyMap<string, TunnelPlan>;
  /** The isolate's. */
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

export interface PlanInputs extends TunnelPorts {
  readonly stages: PolicyStages;
  readonly random: () => number;
  readonly nowMs: number;
  /** Zone that the gateway runs in, if it is known. */
  readonly zone: string | undefined;
  /** What sessions are signed and sticky splits keyed with; the same for all gateways. */
  readonly secret: string;
  readonly directService: DirectServices;
  readonly answers: Answers;
  readonly shareOf: ShareOf;
  /** The isolate's, which outlive the plan. */
  readonly limiter: Limiter;
  readonly counters: RequestCounters;
  readonly fetchStatistics: FetchStatistics;
  /** The plan that this one replaces. */
  readonly previous: SnapshotPlan | undefined;
}

/**
 * A piece at a time: the requests of the plan before go on meanwhile. What the snapshot shares with that of the plan before,
 * object by object, is not compiled again.
 */
export function* planSteps(
  { version, hash, snapshot }: VersionedSnapshot,
  inputs: PlanInputs,
): Steps<SnapshotPlan> {
  const { previous, stages, random } = inputs;
  const { tracing } = snapshot.settings;
  const tunnels = new Map<string, TunnelPlan>();
  const backends = yield* backendSteps(snapshot.backends, tunnels, inputs);
  const spans = tracing?.otlpEndpoint !== undefined;
  return {
    version,
    hash,
    settings: snapshot.settings,
    listeners: compileListeners(snapshot.listeners),
    listenerHeaders: compileListenerHeaders(snapshot.listeners),
    matcher: yield* matcherSteps(snapshot, previous?.matcher),
    detectClient: compileClientDetection(snapshot.settings.clientIPDetection),
    detectClientAt: new Map(
      snapshot.listeners.flatMap(({ name, clientIPDetection }) =>
        clientIPDetection ? [[name, compileClientDetection(clientIPDetection)] as const] : [],
      ),
    ),
    spans,
    rules: yield* ruleSteps(
      snapshot.routes,
      backends,
      previous?.spans === spans ? previous.rules : undefined,
      spans ? { ...inputs, stages: withSpans(stages) } : inputs,
    ),
    errorPages: new Map(snapshot.errorPages?.map(({ name, pages }) => [name, compileErrorPages(pages)])),
    counterTables: new CounterTables(snapshot.counterTables, previous?.counterTables),
    connections: compileConnections(snapshot, (route) => compileConnection(route, backends, random)),
    backends,
    watched: [...backends.values()].filter(({ watch }) => watch),
    observed: [...backends.values()].filter(({ errors }) => errors),
    tunnels,
    counters: inputs.counters,
    secret: inputs.secret,
    tracer: tracing && new Tracer(tracing, random),
  };
}

function* backendSteps(
  configured: readonly SnapshotBackend[],
  tunnels: Map<string, TunnelPlan>,
  inputs: PlanInputs,
): Steps<Map<string, BackendPlan>> {
  const step = new StepLength();
  const backends = new Map<string, BackendPlan>();
  for (const backend of configured) {
    const tunnel = backend.tunnel === undefined ? undefined : tunnelOf(tunnels, backend.tunnel, inputs);
    const previous = inputs.previous?.backends.get(backend.name);
    const isSame = previous?.backend === backend && previous.tunnel === tunnel;
    backends.set(backend.name, isSame ? previous : compileBackend(backend, { ...inputs, tunnel, previous }));
    if (step.isFull(isSame ? keptItem : 1)) yield;
  }
  return backends;
}

/** A tunnel that the plan before had keeps what is known of its agents. */
function tunnelOf(tunnels: Map<string, TunnelPlan>, name: string, inputs: PlanInputs): TunnelPlan {
  const tunnel = tunnels.get(name) ?? inputs.previous?.tunnels.get(name) ?? new TunnelPlan(name, inputs);
  tunnels.set(name, tunnel);
  return tunnel;
}
