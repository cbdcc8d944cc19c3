// Proxies of `mode tcp` → listeners that take connections as they are, and routes of connections (§4, §7.3.5).
//
// HAProxy looks into the ClientHello with `req.ssl_sni` after waiting for it; here a listener that passes TLS on reads it
// by itself, so the rules that wait and accept need no translation.
import type { NativeConfigInput } from "../../native/schema.ts";
import { limits } from "#contract/limits.ts";
import { never, testsOf } from "../condition/condition.ts";
import { hostClassesOf, type HostClass } from "../condition/host-class.ts";
import type { Scope } from "../condition/parse-condition.ts";
import { formatDuration } from "../../duration-text.ts";
import { readDurationMs } from "../duration.ts";
import type { NamedFiles } from "../named-files.ts";
import type { Notes } from "../notes.ts";
import { settingOf, statementsOf, type Proxy } from "../proxy.ts";
import { attempt, StatementProblem, unsupported } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";
import type { CertificateFolders } from "./bind-certificates.ts";
import {
  bothPolicies,
  networksOfBackend,
  networksOfRules,
  readAddressRules,
  rejectionOf,
} from "./admitted-networks.ts";
import { conditionOf, readChoices, readConnectionScope, type Choice } from "./connection-choices.ts";
import { connectionMatches } from "./connection-matches.ts";
import { isAboutTls, readInspection } from "./content-rules.ts";
import { isAboutConnections, readConnectionLimits } from "./connection-limits.ts";
import type { RouteContext } from "./routes.ts";
import { translateBinds, type ImportedListener } from "./listeners.ts";
import type { Names } from "./names.ts";
import { readProxySenders } from "./proxied-binds.ts";

type TcpRoute = NonNullable<NativeConfigInput["tcpRoutes"]>[number];
type TlsRoute = NonNullable<NativeConfigInput["tlsRoutes"]>[number];

export interface ImportedConnections {
  readonly listeners: readonly ImportedListener[];
  readonly tcpRoutes: readonly { readonly statement: Statement; readonly route: TcpRoute }[];
  readonly tlsRoutes: readonly { readonly statement: Statement; readonly route: TlsRoute }[];
}

export interface ConnectionContext {
  readonly folders: CertificateFolders;
  readonly listenerNames: Names;
  readonly routeNames: Names;
  /** Sections with servers, by name in the configuration. */
  readonly sources: ReadonlyMap<string, Proxy>;
  /** Their names in the model. */
  readonly targets: ReadonlyMap<string, { readonly name: string }>;
  /** Where their servers are. */
  readonly places: RouteContext["places"];
  /** Whose stick tables rules may name. */
  readonly tables: ReadonlyMap<string, Proxy>;
  readonly files: NamedFiles;
  readonly notes: Notes;
}

/** A choice by server names alone. */
interface NamedChoice extends Choice {
  /** Empty: every connection. */
  readonly hosts: readonly HostClass[];
}

/** Statements about requests; HAProxy warns that it does without them in mode tcp. */
const aboutRequests: ReadonlySet<string> = new Set(
  "http-request http-response http-after-response redirect cookie monitor-uri stats".split(" "),
);

export function noteIdleStatements(proxy: Proxy, notes: Notes): void {
  for (const statement of proxy.settings.statements) {
    if (!aboutRequests.has(wordAt(statement, 0)) || statement.prefix) continue;
    const message = "has no effect in mode tcp, in HAProxy neither";
    notes.add(statement, { code: "statement-ignored", message, remedy: "Write `mode http`, or remove it." });
  }
}

/** Of connections, listeners count what they need by themselves. */
function noteCounting(front: Proxy, notes: Notes): void {
  for (const statement of statementsOf(front, "tcp-request")) {
    if (!wordAt(statement, 2).startsWith("sc-")) continue;
    const message = "connections are counted by conn_cur, conn_rate and sess_rate alone";
    notes.add(statement, { code: "statement-ignored", message });
  }
}

export function translateConnections(front: Proxy, context: ConnectionContext): ImportedConnections {
  const { notes } = context;
  noteCounting(front, notes);
  const scope = readConnectionScope(front, context.files, notes);
  const choices = readChoices(front, scope, context);
  const named = choices.map(namedChoice);
  const isByBytes = asksForBytes(front, named, scope);
  const bySni = named.some((choice) => choice && choice.hosts.length > 0);
  const layers = { withContent: !isByBytes, bySni };
  const addressRules = readAddressRules(front, scope, layers, notes);
  const admitted = networksOfRules(addressRules);
  const kind: Kind = isByBytes || !admitted ? "bytes" : bySni ? "names" : "none";
  const proxySenders = readProxySenders(front, scope, notes);
  const connectionLimits = readConnectionLimits(front, {
    scope,
    conditionOf: (statement) => conditionOf(statement, scope),
    tables: context.tables,
    notes,
  });
  const listeners = translateBinds(front, { proxySenders, connectionLimits }, context).map((imported) =>
    asConnections(imported, kind),
  );
  const routeParts = {
    listeners: listeners.map(({ listener }) => listener.name),
    ...(admitted && admitted !== "all" && { securityPolicy: admitted }),
  };
  const none = { listeners, tcpRoutes: [], tlsRoutes: [] };
  if (listeners.length === 0) return none;
  if (kind === "names") {
    const known = named.filter((choice) => choice !== undefined);
    noteOtherThanTls(front, known, notes);
    return { ...none, tlsRoutes: tlsRoutesOf(front, known, routeParts, context) };
  }
  if (kind === "bytes") {
    const rejected = admitted ? never : rejectionOf(addressRules);
    const asked = isByBytes ? choices : [];
    const inspection = readInspection(front, { scope, rejected, asked, isByBytes }, notes);
    const route = inspectedRoute(front, choices, { ...routeParts, inspection }, context);
    return { ...none, tcpRoutes: route ? [{ statement: front.heading, route }] : [] };
  }
  const tcpRoutes = choices.slice(0, 1).map((choice) => ({
    statement: choice.statement,
    route: {
      name: context.routeNames.take(front.name),
      ...withBackendPolicy(routeParts, choice, context),
      rules: [ruleOf(front, choice, context)],
    },
  }));
  return { ...none, tcpRoutes };
}

type RouteParts = Pick<TcpRoute, "listeners" | "securityPolicy" | "inspection">;

/** A route leads to one backend, whose rules about addresses are its own. */
function withBackendPolicy(parts: RouteParts, choice: Choice, context: ConnectionContext): RouteParts {
  const own = attempt(choice.statement, context.notes, () =>
    bothPolicies(parts.securityPolicy, policyOfBackend(choice, context)),
  );
  return own ? { ...parts, securityPolicy: own } : parts;
}

function policyOfBackend(
  { backend }: Choice,
  { sources, files, notes }: ConnectionContext,
): RouteParts["securityPolicy"] {
  const proxy = backend === undefined ? undefined : sources.get(backend);
  if (proxy?.kind !== "backend") return undefined;
  return networksOfBackend(proxy, readConnectionScope(proxy, files, notes), notes);
}

function tlsRoutesOf(
  front: Proxy,
  choices: readonly NamedChoice[],
  parts: RouteParts,
  context: ConnectionContext,
): ImportedConnections["tlsRoutes"] {
  return reachable(choices).flatMap((choice) =>
    hostnameParts(choice).map((hostnames) => ({
      statement: choice.statement,
      route: {
        name: context.routeNames.take(
          hostnames[0] === undefined ? front.name : `${front.name}-${label(hostnames[0])}`,
        ),
        ...(hostnames.length > 0 && { hostnames }),
        ...withBackendPolicy(parts, choice, context),
        rules: [ruleOf(front, choice, context)],
      },
    })),
  );
}

function inspectedRoute(
  front: Proxy,
  choices: readonly Choice[],
  parts: RouteParts,
  context: ConnectionContext,
): TcpRoute | undefined {
  const { notes, routeNames } = context;
  const rules: TcpRoute["rules"] = [];
  for (const choice of choices) {
    if (rules.some(({ matches }) => matches === undefined)) break;
    const matches = attempt(choice.statement, notes, () => {
      if (policyOfBackend(choice, context)) {
        unsupported(
          "the backend refuses addresses, and connections that are told apart by what they begin with share a route",
          "Move the rules of the backend into the frontend.",
        );
      }
      return connectionMatches(choice.condition);
    });
    if (!matches) continue;
    rules.push({ ...(matches.length > 0 && { matches }), ...ruleOf(front, choice, context) });
  }
  if (rules.length === 0) return undefined;
  return { name: routeNames.take(front.name), ...parts, rules };
}

/** How connections are told apart: not at all, by the names that ClientHellos ask for, or by whatever they begin with. */
type Kind = "none" | "names" | "bytes";

/** Whether it takes more than the server name, or a listener that closes what is no TLS, to tell connections apart. */
function asksForBytes(front: Proxy, named: readonly (NamedChoice | undefined)[], scope: Scope): boolean {
  if (named.includes(undefined)) return true;
  const bySni = named.some((choice) => choice!.hosts.length > 0);
  const content = statementsOf(front, "tcp-request").filter((one) => wordAt(one, 1) === "content");
  // What is accepted matters only where something is rejected behind it.
  const last = content.findLastIndex((statement) => /^(?:reject|silent-drop)$/.test(wordAt(statement, 2)));
  return content.slice(0, last + 1).some((statement) => {
    const condition = readQuietly(() => conditionOf(statement, scope));
    if (!condition || isAboutConnections(condition)) return false;
    return testsOf(condition).some((test) => test.subject.type !== "client" && !(bySni && isAboutTls(test)));
  });
}

/** What is wrong with it is told where it is read for good. */
function readQuietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof StatementProblem) return undefined;
    throw error;
  }
}

/** What `mode http` reads as requests, `mode tcp` takes as connections. */
function asConnections({ statement, listener }: ImportedListener, kind: Kind): ImportedListener {
  if (listener.protocol === "HTTPS") return { statement, listener: { ...listener, protocol: "TLS" } };
  if (kind !== "names") return { statement, listener: { ...listener, protocol: "TCP" } };
  return { statement, listener: { ...listener, protocol: "TLS", tls: { mode: "Passthrough" } } };
}

// --- conditions -------------------------------------------------------------------------------------------------------

/** Undefined: it is about more than server names that routes have. */
function namedChoice(choice: Choice): NamedChoice | undefined {
  const { condition } = choice;
  if (condition.kind === "constant" && condition.value) return { ...choice, hosts: [] };
  const tests = testsOf(condition);
  const isAlternative =
    condition.kind === "test" ||
    (condition.kind === "or" && condition.operands.every(({ kind }) => kind === "test"));
  const hosts = tests.flatMap(hostClassesOf);
  const isComplete = hosts.length === tests.reduce((sum, { values }) => sum + values.length, 0);
  return isAlternative && isComplete && hosts.length > 0 ? { ...choice, hosts } : undefined;
}

/** HAProxy takes the first rule, a route the most specific name: what an earlier rule covers is never reached. */
function reachable(choices: readonly NamedChoice[]): NamedChoice[] {
  const taken: HostClass[] = [];
  const reached: NamedChoice[] = [];
  let all = false;
  for (const choice of choices) {
    if (all) break;
    const hosts = choice.hosts.filter((host) => !taken.some((other) => covers(other, host)));
    if (choice.hosts.length === 0) all = true;
    else if (hosts.length === 0) continue;
    reached.push({ ...choice, hosts });
    taken.push(...hosts);
  }
  return reached;
}

function covers(host: HostClass, other: HostClass): boolean {
  if (host.kind === "exact") return other.kind === "exact" && other.name === host.name;
  if (host.kind !== "suffix") return false;
  if (other.kind === "exact") return other.name.endsWith(host.suffix);
  return other.kind === "suffix" && other.suffix.endsWith(host.suffix);
}

/** At least one part; an empty one stands for every name. */
function hostnameParts({ hosts }: NamedChoice): string[][] {
  const names = hosts.flatMap((host) =>
    host.kind === "exact" ? [host.name] : host.kind === "suffix" ? [`*${host.suffix}`] : [],
  );
  const parts: string[][] = [];
  for (let start = 0; start === 0 || start < names.length; start += limits.hostnamesPerRoute) {
    parts.push(names.slice(start, start + limits.hostnamesPerRoute));
  }
  return parts;
}

function label(hostname: string): string {
  return hostname.replace(/^\*\./, "wildcard.");
}

/** Without a rule that rejects it, HAProxy sends what is no TLS to the default backend after a while. */
function noteOtherThanTls(front: Proxy, choices: readonly NamedChoice[], notes: Notes): void {
  const rejects = statementsOf(front, "tcp-request").some(
    (statement) => wordAt(statement, 1) === "content" && wordAt(statement, 2) === "reject",
  );
  const fallback = choices.find(({ hosts }) => hosts.length === 0);
  if (rejects || !fallback) return;
  notes.add(fallback.statement, {
    code: "statement-approximated",
    message:
      "connections that are no TLS are closed, since the section tells others apart by their server name",
    remedy: "Give them a port of their own.",
  });
}

// --- the rule ---------------------------------------------------------------------------------------------------------

/** HAProxy's own `retries`. */
const defaultRetries = 3;

function ruleOf(
  front: Proxy,
  { backend, server }: Choice,
  { sources, targets, places, notes }: ConnectionContext,
) {
  if (backend === undefined) return { backendRefs: [] };
  const source = sources.get(backend)!;
  const preferredEndpoint = server === undefined ? undefined : places.get(backend)?.get(server);
  const time = (proxy: Proxy, kind: string): number | undefined => {
    const statement = settingOf(proxy, "timeout", kind);
    return statement && attempt(statement, notes, () => readDurationMs(statement.words[2]));
  };
  // Once both sides are connected, `timeout tunnel` takes the place of the other two.
  const sides = [time(front, "client"), time(source, "server")].filter((ms) => ms !== undefined && ms > 0);
  const idleMs = time(source, "tunnel") ?? (sides.length > 0 ? Math.min(...(sides as number[])) : 0);
  const connectMs = time(source, "connect");
  const retries = settingOf(source, "retries");
  const attempts = 1 + (retries ? Number(wordAt(retries, 1)) || 0 : defaultRetries);
  return {
    backendRefs: [{ name: targets.get(backend)!.name, ...(preferredEndpoint && { preferredEndpoint }) }],
    timeouts: {
      ...(connectMs && { connect: formatDuration(connectMs) }),
      // HAProxy, too, then waits for ever.
      idle: idleMs > 0 ? formatDuration(idleMs) : "0s",
    },
    maxConnectAttempts: Math.min(attempts, limits.connectAttempts),
  };
}
