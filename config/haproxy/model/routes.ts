// A frontend's program, run for each kind of listener and each class of hosts → routes.
import { limits } from "#contract/limits.ts";
import { testsOf, type Condition, type Test } from "../condition/condition.ts";
import { hostClassesOf, type HostClass } from "../condition/host-class.ts";
import { toMatches } from "../condition/to-match.ts";
import type { Surroundings } from "../condition/changes.ts";
import type { NativeConfigInput } from "../../native/schema.ts";
import { withPriorities } from "../../ordered-rules.ts";
import type { Notes } from "../notes.ts";
import type { Proxy } from "../proxy.ts";
import type { Program, Step } from "../program/program.ts";
import type { Fallback } from "../program/fallbacks.ts";
import type { Counters } from "../program/counters.ts";
import type { Reach } from "../program/reach.ts";
import { pagesOf, runProgram, type Budget, type OrderedRule, type Programs } from "../program/run-program.ts";
import { attempt } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";
import { joinCompression, readCompression, type CompressionSettings } from "./compression.ts";
import type { ImportedBackend } from "./backends.ts";
import type { ErrorPageSets } from "./error-page-sets.ts";
import type { ImportedListener } from "./listeners.ts";
import type { Names } from "./names.ts";
import type { RuleInput, RulePolicies } from "./rule-policies.ts";

export type RouteInput = NonNullable<NativeConfigInput["routes"]>[number];

export interface ImportedRoute {
  readonly statement: Statement;
  readonly route: RouteInput;
  /** Where each rule comes from. */
  readonly rules: readonly Statement[];
}

/** A backend's name in the model, and what it says of the rules that lead to it. */
export interface Target {
  readonly name: string;
  readonly policies: RulePolicies;
  readonly compression: CompressionSettings;
}

export interface RouteContext {
  readonly backends: Programs;
  /** By name in the configuration. */
  readonly targets: ReadonlyMap<string, Target>;
  /** Servers of each backend. */
  readonly places: ReadonlyMap<string, ImportedBackend["places"]>;
  readonly names: Names;
  readonly errorPages: ErrorPageSets;
  readonly notes: Notes;
  readonly budget: Budget;
  readonly reach: Reach;
  readonly counters: Counters;
}

/** What the rules of one frontend need besides. */
interface FrontendContext extends RouteContext {
  readonly compression: CompressionSettings;
  /** Of all its steps. */
  readonly steps: number;
  /** Name of the pages for requests to a backend; `undefined`: those of the listener. */
  readonly pagesOf: (backend: string | undefined) => string | undefined;
}

/** Beyond this many steps for all hosts together, hosts are told apart by conditions instead of by routes of their own. */
const maxHostSteps = 200_000;

interface Variant {
  readonly listeners: readonly ImportedListener[];
  readonly hosts: readonly HostClass[];
  readonly rules: readonly RuleInput[];
  readonly statements: readonly Statement[];
}

/** A `listen` with servers of its own has said it as a backend already. */
function compressionOf(proxy: Proxy, { targets, notes }: RouteContext): CompressionSettings {
  const own = proxy.kind === "listen" ? targets.get(proxy.name) : undefined;
  return own?.compression ?? readCompression(proxy, notes);
}

export function translateRoutes(
  proxy: Proxy,
  program: Program,
  listeners: readonly ImportedListener[],
  context: RouteContext,
): ImportedRoute[] {
  const { name } = proxy;
  const steps = stepsOf(program, context.backends);
  const run = {
    ...context,
    compression: compressionOf(proxy, context),
    steps: steps.length,
    pagesOf: pagesByBackend(name, program, context),
  };
  const variants: Variant[] = [];
  for (const group of groupListeners(listeners, steps)) {
    for (const { hosts, reduced } of hostPlans(program, steps)) {
      for (const host of hosts) variants.push(runVariant(reduced(host), group, host, run));
    }
  }
  return mergeVariants(variants).flatMap((variant) => routesOf(name, variant, listeners, context));
}

function pagesByBackend(
  name: string,
  frontend: Program,
  { backends, errorPages }: RouteContext,
): FrontendContext["pagesOf"] {
  const ofListener = errorPages.nameOf(frontend.pages, { ...frontend, name });
  const known = new Map<string, string>();
  return (backend) => {
    const program = backends.get(backend ?? "");
    if (backend === undefined || !program) return undefined;
    const own =
      known.get(backend) ?? errorPages.nameOf(pagesOf(frontend, program), { ...program, name: backend });
    known.set(backend, own);
    return own === ofListener ? undefined : own;
  };
}

/** Every step that a request of the frontend may come by. */
function stepsOf(program: Program, backends: Programs): Step[] {
  const own = [
    ...program.request.flat(),
    ...program.switching,
    ...program.servers,
    ...program.response,
    ...program.afterResponse,
  ];
  const used = new Set(own.flatMap(({ effect }) => (effect.kind === "use" ? [effect.backend] : [])));
  const others = [...used].flatMap((name) => {
    const backend = backends.get(name);
    return backend && backend !== program
      ? [...backend.request.flat(), ...backend.servers, ...backend.response, ...backend.afterResponse]
      : [];
  });
  return [...own, ...others];
}

/** Listeners that a rule tells apart stand alone. */
function groupListeners(
  listeners: readonly ImportedListener[],
  steps: readonly Step[],
): (readonly ImportedListener[])[] {
  // Formats such as %[dst_port] also depend on the listener, so equal results are merged afterwards anyway.
  const isAlike = !steps.some(({ condition }) =>
    testsOf(condition).some(({ subject }) => subject.type === "tls" || subject.type === "port"),
  );
  const isStatic = !steps.some(({ statement }) =>
    statement.words.some(({ text }) => /ssl_fc|dst_port|%f/.test(text)),
  );
  if (listeners.length === 0) return [];
  return isAlike && isStatic ? [listeners] : listeners.map((listener) => [listener]);
}

interface HostPlan {
  readonly hosts: readonly HostClass[];
  /** The program without steps that other hosts alone can take. */
  readonly reduced: (host: HostClass) => Program;
}

/** Most steps of a frontend with many hosts are for one of them: each host only looks at its own. */
function hostPlans(program: Program, steps: readonly Step[]): HostPlan[] {
  const classes = new Map<string, HostClass>();
  const hostVariables = variablesOfHost(steps);
  for (const { condition } of steps) {
    for (const test of testsOf(condition)) {
      for (const host of hostClassesOf(asHost(test, hostVariables))) classes.set(JSON.stringify(host), host);
    }
  }
  const gated = gateSteps(program.switching);
  const common = steps.length - program.switching.length + gated.free;
  if (classes.size * common > maxHostSteps) return [{ hosts: [{ kind: "any" }], reduced: () => program }];
  const hosts = [...classes.values(), { kind: "other" } as const];
  return [{ hosts, reduced: (host) => ({ ...program, switching: gated.stepsFor(host) }) }];
}

/** Variables that are made of the whole host. */
function variablesOfHost(steps: readonly Step[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { statement } of steps) {
    const name = /^set-var\(([\w.-]+)/.exec(wordAt(statement, 1))?.[1];
    const [source = ""] = /^[^,]*/.exec(wordAt(statement, 2)) ?? [];
    const other = /^var\(([\w.-]+)\)$/.exec(source)?.[1];
    const isHost = /^(?:req\.)?f?hdr\(host\)$/i.test(source) || (other !== undefined && names.has(other));
    if (name !== undefined && isHost) names.add(name);
  }
  return names;
}

function asHost(test: Test, variables: ReadonlySet<string>): Test {
  const { subject } = test;
  if (subject.type !== "variable" || !variables.has(subject.name)) return test;
  return { ...test, subject: { type: "host", port: false } };
}

function gateSteps(steps: readonly Step[]): { free: number; stepsFor: (host: HostClass) => readonly Step[] } {
  const free: number[] = [];
  const byHost = new Map<string, number[]>();
  for (const [index, { condition }] of steps.entries()) {
    const gate = gateOf(condition);
    if (!gate) free.push(index);
    for (const host of gate ?? []) {
      const list = byHost.get(host);
      if (list) list.push(index);
      else byHost.set(host, [index]);
    }
  }
  return {
    free: free.length,
    stepsFor: (host) => {
      const own = host.kind === "exact" ? (byHost.get(host.name) ?? []) : [];
      const indexes = own.length === 0 ? free : [...free, ...own].sort((a, b) => a - b);
      return indexes.map((index) => steps[index]!);
    },
  };
}

/** The only hosts for which the condition can hold; `undefined`: any. */
function gateOf(condition: Condition): Set<string> | undefined {
  if (condition.kind === "test") {
    const classes = hostClassesOf(condition.test);
    const names = classes.flatMap((host) => (host.kind === "exact" ? [host.name] : []));
    return names.length > 0 && names.length === condition.test.values.length ? new Set(names) : undefined;
  }
  if (condition.kind === "and") {
    for (const operand of condition.operands) {
      const gate = gateOf(operand);
      if (gate) return gate;
    }
    return undefined;
  }
  if (condition.kind !== "or") return undefined;
  const gates = condition.operands.map(gateOf);
  return gates.includes(undefined) ? undefined : new Set(gates.flatMap((gate) => [...gate!]));
}

function runVariant(
  program: Program,
  listeners: readonly ImportedListener[],
  host: HostClass,
  context: FrontendContext,
): Variant {
  const { protocol, port, proxyProtocol } = listeners[0]!.listener;
  const isDirect = proxyProtocol === undefined;
  const surroundings = {
    listener: { tls: protocol === "HTTPS", port: isDirect ? port : undefined },
    host,
    frontend: wordAt(program.heading, 1),
  };
  const ordered = runWithin(program, surroundings, context);
  const rules: RuleInput[] = [];
  const statements: Statement[] = [];
  for (const rule of ordered) {
    for (const input of toRules(rule, context)) {
      rules.push(input);
      statements.push(rule.statement);
    }
  }
  return { listeners, hosts: [host], rules, statements };
}

/** Rules of one run per step, and beyond: what conditions of changes may multiply them to. */
const rulesPerStep = 8;
const extraRules = 1_024;

/** Takes what the run needs from the budget of the file. */
function runWithin(program: Program, surroundings: Surroundings, context: FrontendContext): OrderedRule[] {
  const { budget, steps } = context;
  const allowed = Math.min(budget.rules, rulesPerStep * steps + extraRules);
  const own: Budget = { rules: allowed };
  const ordered = runProgram(program, { ...context, surroundings, budget: own });
  budget.rules = own.rules < 0 ? -1 : budget.rules - (allowed - own.rules);
  return ordered;
}

/** One rule, or several where its alternatives are more than one may have. */
function toRules(
  rule: OrderedRule,
  { targets, places, notes, compression, pagesOf: pagesOfBackend }: FrontendContext,
): RuleInput[] {
  // Faults belong to requests for a backend, which these will not reach.
  const isFault = rule.filters.some(({ type }) => type === "FaultInjection");
  const target = isFault ? [...targets.values()][0] : targets.get(rule.backend ?? "");
  const preferredEndpoint = places.get(rule.backend ?? "")?.get(rule.server ?? "");
  const ref = target && { name: target.name, ...(preferredEndpoint && { preferredEndpoint }) };
  const isEvery = rule.alternatives.some((alternative) => alternative.length === 0);
  const matches = isEvery ? [] : attempt(rule.statement, notes, () => rule.alternatives.flatMap(toMatches));
  if (!matches || (matches.length === 0 && !isEvery)) return [];
  const errorPages = pagesOfBackend(rule.backend);
  const compressed = target && joinCompression(compression, target.compression);
  const rest: Omit<RuleInput, "matches"> = {
    ...(ref && rule.fallback
      ? { backendRefs: refsWithFallback(rule, rule.fallback, ref, targets) }
      : {
          ...(rule.filters.length > 0 && { filters: [...rule.filters] }),
          ...(ref && { backendRefs: [ref] }),
        }),
    ...target?.policies,
    ...(compressed && { compression: compressed }),
    ...(errorPages !== undefined && { errorPages }),
    ...(rule.rateLimits.length > 0 && { rateLimit: { policies: [...rule.rateLimits] } }),
    ...(rule.counting.length > 0 && { counting: [...rule.counting] }),
    ...securityPolicyOf(rule),
  };
  const chunks: RuleInput[] = [];
  for (let start = 0; start === 0 || start < matches.length; start += limits.matchesPerRule) {
    chunks.push({ matches: matches.slice(start, start + limits.matchesPerRule), ...rest });
  }
  return chunks;
}

function securityPolicyOf({ basicAuth, bodyBytes }: OrderedRule): Pick<RuleInput, "securityPolicy"> {
  if (!basicAuth && bodyBytes === undefined) return {};
  return {
    securityPolicy: {
      ...(basicAuth && { basicAuth: { ...basicAuth, users: [...basicAuth.users] } }),
      ...(bodyBytes !== undefined && { requestLimits: { bodyBytes } }),
    },
  };
}

type BackendRef = NonNullable<RuleInput["backendRefs"]>[number];

/** Each with its own filters: what is done to a request depends on where it goes. */
function refsWithFallback(
  { filters }: OrderedRule,
  fallback: Fallback,
  ref: BackendRef,
  targets: RouteContext["targets"],
): BackendRef[] {
  // What is answered here has no backend of its own.
  const other = targets.get(fallback.backend ?? "")?.name ?? ref.name;
  return [
    { ...ref, ...(filters.length > 0 && { filters: [...filters] }) },
    {
      name: other,
      ...(fallback.filters.length > 0 && { filters: [...fallback.filters] }),
      fallback: true,
    },
  ];
}

/** Hosts, and then listeners, with the same rules share a route. */
function mergeVariants(variants: readonly Variant[]): Variant[] {
  const byHosts = Map.groupBy(variants, ({ listeners, hosts, rules }) => {
    const isOther = hosts[0]!.kind === "other" || hosts[0]!.kind === "any";
    return JSON.stringify([listeners.map(({ listener }) => listener.name), isOther, rules]);
  });
  const merged = [...byHosts.values()].map((same) => ({
    ...same[0]!,
    hosts: same.flatMap(({ hosts }) => hosts),
  }));
  const byListeners = Map.groupBy(merged, ({ hosts, rules }) => JSON.stringify([hosts, rules]));
  return [...byListeners.values()].map((same) => ({
    ...same[0]!,
    listeners: same.flatMap(({ listeners }) => listeners),
  }));
}

function routesOf(
  name: string,
  { listeners, hosts, rules, statements }: Variant,
  all: readonly ImportedListener[],
  { names }: RouteContext,
): ImportedRoute[] {
  const hostnames = hosts.flatMap(hostnameOf);
  const label = hostnames[0] === undefined ? "" : `-${hostnames[0].replace(/^\*\./, "wildcard.")}`;
  const suffix = listeners.length === all.length ? "" : `-${listeners[0]!.listener.port}`;
  const ranked = withPriorities(rules, rules.length <= limits.rulesPerRoute);
  const routes: ImportedRoute[] = [];
  for (const part of parts(hostnames, limits.hostnamesPerRoute)) {
    for (let start = 0; start < ranked.length; start += limits.rulesPerRoute) {
      routes.push({
        statement: statements[start]!,
        route: {
          name: names.take(`${name}${label}${suffix}`),
          listeners: listeners.map(({ listener }) => listener.name),
          ...(part.length > 0 && { hostnames: part }),
          rules: ranked.slice(start, start + limits.rulesPerRoute),
        },
        rules: statements.slice(start, start + limits.rulesPerRoute),
      });
    }
  }
  return routes;
}

function hostnameOf(host: HostClass): string[] {
  if (host.kind === "exact") return [host.name];
  return host.kind === "suffix" ? [`*${host.suffix}`] : [];
}

/** At least one part. */
function parts(items: readonly string[], size: number): string[][] {
  if (items.length === 0) return [[]];
  const result: string[][] = [];
  for (let start = 0; start < items.length; start += size) result.push(items.slice(start, start + size));
  return result;
}
