// Proxies of `mode tcp` → listeners that take connections as they are, and routes of connections (§4, §7.3.5).
//
// HAProxy looks into the ClientHello with `req.ssl_sni` after waiting for it; here a listener that passes TLS on reads it
// by itself, so the rules that wait and accept need no translation.
import type { NativeConfigInput } from "../../native/schema.ts";
import { limits } from "#contract/limits.ts";
import { networksOf } from "../condition/client-networks.ts";
import { or, testsOf, type Condition } from "../condition/condition.ts";
import { hostClassesOf, type HostClass } from "../condition/host-class.ts";
import { conditionStart, parseCondition, readAcl, type Scope } from "../condition/parse-condition.ts";
import { formatDuration } from "../../duration-text.ts";
import { readDurationMs } from "../duration.ts";
import type { NamedFiles } from "../named-files.ts";
import type { Notes } from "../notes.ts";
import { settingOf, statementsOf, type Proxy } from "../proxy.ts";
import { attempt, unsupported } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";
import type { CertificateFolders } from "./bind-certificates.ts";
import { isAboutConnections, readConnectionLimits } from "./connection-limits.ts";
import { translateBinds, type ImportedListener } from "./listeners.ts";
import type { Names } from "./names.ts";
import { isProxied, readProxySenders, refusePeerTests } from "./proxied-binds.ts";

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
  /** Whose stick tables rules may name. */
  readonly tables: ReadonlyMap<string, Proxy>;
  readonly files: NamedFiles;
  readonly notes: Notes;
}

/** A server name for a backend, in the order of the rules. */
interface Choice {
  readonly statement: Statement;
  /** Empty: every connection. */
  readonly hosts: readonly HostClass[];
  readonly backend: string;
}

/** Statements about requests; HAProxy warns that it does without them in mode tcp. */
const aboutRequests: ReadonlySet<string> = new Set(
  "http-request http-response http-after-response redirect cookie monitor-uri stats".split(" "),
);

export function noteRequestStatements({ settings }: Proxy, notes: Notes): void {
  for (const statement of settings.statements) {
    if (!aboutRequests.has(wordAt(statement, 0)) || statement.prefix) continue;
    const message = "has no effect in mode tcp, in HAProxy neither";
    notes.add(statement, { code: "statement-ignored", message, remedy: "Write `mode http`, or remove it." });
  }
}

export function translateConnections(front: Proxy, context: ConnectionContext): ImportedConnections {
  const { notes } = context;
  const scope = readScope(front, context.files, notes);
  const choices = readChoices(front, scope, context);
  const bySni = choices.some(({ hosts }) => hosts.length > 0);
  const proxySenders = readProxySenders(front, scope, notes);
  const connectionLimits = readConnectionLimits(front, {
    scope,
    conditionOf: (statement) => conditionOf(statement, scope),
    tables: context.tables,
    notes,
  });
  const listeners = translateBinds(front, { proxySenders, connectionLimits }, context).map((imported) =>
    asConnections(imported, bySni),
  );
  const securityPolicy = readNetworks(front, scope, notes);
  if (bySni) noteOtherThanTls(front, choices, notes);
  const names = listeners.map(({ listener }) => listener.name);
  const common = (choice: Choice) => ({
    listeners: names,
    ...(securityPolicy && { securityPolicy }),
    rules: [ruleOf(front, choice, context)],
  });
  if (names.length === 0) return { listeners, tcpRoutes: [], tlsRoutes: [] };
  if (!bySni) {
    const tcpRoutes = choices.slice(0, 1).map((choice) => ({
      statement: choice.statement,
      route: { name: context.routeNames.take(front.name), ...common(choice) },
    }));
    return { listeners, tcpRoutes, tlsRoutes: [] };
  }
  const tlsRoutes = reachable(choices).flatMap((choice) =>
    hostnameParts(choice).map((hostnames) => ({
      statement: choice.statement,
      route: {
        name: context.routeNames.take(
          hostnames[0] === undefined ? front.name : `${front.name}-${label(hostnames[0])}`,
        ),
        ...(hostnames.length > 0 && { hostnames }),
        ...common(choice),
      },
    })),
  );
  return { listeners, tcpRoutes: [], tlsRoutes };
}

/** What `mode http` reads as requests, `mode tcp` takes as connections. */
function asConnections({ statement, listener }: ImportedListener, bySni: boolean): ImportedListener {
  if (listener.protocol === "HTTPS") return { statement, listener: { ...listener, protocol: "TLS" } };
  if (!bySni) return { statement, listener: { ...listener, protocol: "TCP" } };
  return { statement, listener: { ...listener, protocol: "TLS", tls: { mode: "Passthrough" } } };
}

// --- conditions -------------------------------------------------------------------------------------------------------

const sampleOfRequests =
  /^!*\{?(?:req\.f?hdr|hdr|fhdr|path|url|method|cook|req\.cook|urlp|http_auth|req\.proto_http|HTTP$|HTTP_(?:URL_|CONTENT$|1\.[01]$|2\.0$)|METH_)/;

/** The server name stands where a request has its host; that a ClientHello has come is true of every TLS connection. */
function asRequest(statement: Statement): Statement {
  const words = statement.words.map((word) => {
    if (sampleOfRequests.test(word.text)) {
      unsupported("in mode tcp no request is seen", "Test req.ssl_sni, or write `mode http`.", word);
    }
    const text = word.text
      .replace(/^(!*)(?:req[._]ssl_sni|ssl_fc_sni)(?=$|,)/, "$1req.hdr(host)")
      .replace(/^(!*)(?:req[._]ssl_hello_type)$/, "$1int(1)");
    return { ...word, text };
  });
  return { ...statement, words };
}

function readScope(front: Proxy, files: NamedFiles, notes: Notes): Scope {
  const lines = new Map<string, Condition[] | undefined>();
  for (const statement of statementsOf(front, "acl")) {
    attempt(statement, notes, () => readAcl(asRequest(statement).words, lines, files));
  }
  const acls = new Map([...lines].map(([name, conditions]) => [name, conditions && or(conditions)]));
  return { acls, files };
}

/** Undefined: it names an ACL that could not be read, which has been said. */
function conditionOf(statement: Statement, scope: Scope): Condition | undefined {
  const { words } = asRequest(statement);
  return parseCondition(words, conditionStart(words, 1), scope);
}

function readChoices(front: Proxy, scope: Scope, { sources, notes }: ConnectionContext): Choice[] {
  const choices: Choice[] = [];
  const choose = (statement: Statement, hosts: readonly HostClass[]): void => {
    const backend = wordAt(statement, 1);
    if (backend.includes("%[")) {
      unsupported("the backend's name depends on the connection", "Write one use_backend per name.");
    }
    if (!sources.has(backend)) {
      const message = `no backend is named ${JSON.stringify(backend)}`;
      const mistyped = { name: backend, known: sources.keys() };
      notes.add(statement, { code: "reference-unknown", message, mistyped, word: statement.words[1] });
    } else choices.push({ statement, hosts, backend });
  };
  for (const statement of statementsOf(front, "use_backend")) {
    attempt(statement, notes, () => {
      const condition = conditionOf(statement, scope);
      const hosts = condition && hostsOf(condition);
      if (hosts) choose(statement, hosts);
    });
  }
  const fallback = settingOf(front, "default_backend");
  if (fallback) attempt(fallback, notes, () => choose(fallback, []));
  else if (front.kind === "listen" && sources.has(front.name)) {
    choices.push({ statement: front.heading, hosts: [], backend: front.name });
  }
  return choices;
}

/** Undefined: it never holds. */
function hostsOf(condition: Condition): HostClass[] | undefined {
  if (condition.kind === "constant") return condition.value ? [] : undefined;
  const tests = testsOf(condition);
  const isAlternative =
    condition.kind === "test" ||
    (condition.kind === "or" && condition.operands.every(({ kind }) => kind === "test"));
  const hosts = tests.flatMap(hostClassesOf);
  const isComplete = hosts.length === tests.reduce((sum, { values }) => sum + values.length, 0);
  if (isAlternative && isComplete && hosts.length > 0) return hosts;
  return unsupported(
    "connections are told apart by whole server names, or by their ends from a dot on",
    "Write `req.ssl_sni -i name …` or `req.ssl_sni -m end .example.com`.",
  );
}

/** HAProxy takes the first rule, a route the most specific name: what an earlier rule covers is never reached. */
function reachable(choices: readonly Choice[]): Choice[] {
  const taken: HostClass[] = [];
  const reached: Choice[] = [];
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
function hostnameParts({ hosts }: Choice): string[][] {
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

// --- who may connect --------------------------------------------------------------------------------------------------

type SecurityPolicy = NonNullable<TcpRoute["securityPolicy"]>;

/** `tcp-request connection reject if { src … }` denies, with `!{ src … }` it allows nobody else. */
function readNetworks(front: Proxy, scope: Scope, notes: Notes): SecurityPolicy | undefined {
  const deny: string[] = [];
  let allow: readonly string[] | undefined;
  const rules = statementsOf(front, "tcp-request");
  const lastRefusal = rules.findLastIndex((rule) => /^(?:reject|silent-drop)$/.test(wordAt(rule, 2)));
  for (const [index, statement] of rules.entries()) {
    // What is accepted matters only where something is refused behind it.
    if (wordAt(statement, 2) === "accept" && index > lastRefusal) continue;
    attempt(statement, notes, () => {
      const [layer, action] = [wordAt(statement, 1), wordAt(statement, 2)];
      if (layer === "inspect-delay" || /^(?:track-sc|(?:un)?set-var|expect-proxy)/.test(action)) return;
      const condition = conditionOf(statement, scope);
      if (!condition || isAboutConnections(condition)) return;
      // Whom it lets in is asked about by what follows.
      if (action === "accept" && networksOf(condition) && !isFollowedByRejection(front, statement, scope))
        return;
      if (layer === "connection" && isProxied(front)) refusePeerTests(condition);
      const isForTls = layer === "content" && testsOf(condition).length === 0;
      if (isForTls && (action === "accept" || action === "reject")) return;
      if (action !== "reject" && action !== "silent-drop") {
        unsupported("connections can only be rejected by rules", "Write what is rejected.");
      }
      const networks = networksOf(condition);
      if (!networks)
        unsupported("connections can be rejected because of their address only", "Test src alone.");
      else if (condition.kind === "test") deny.push(...networks);
      else if (allow) unsupported("two rules let some addresses in", "Join them into one.");
      else allow = networks;
    });
  }
  if (deny.length === 0 && !allow) return undefined;
  return { clientCIDRs: { ...(allow && { allow: [...allow] }), ...(deny.length > 0 && { deny }) } };
}

/** By one that is not about numbers of connections. */
function isFollowedByRejection(front: Proxy, statement: Statement, scope: Scope): boolean {
  return statementsOf(front, "tcp-request").some((other) => {
    if (other.line <= statement.line || !/^(?:reject|silent-drop)$/.test(wordAt(other, 2))) return false;
    const condition = conditionOf(other, scope);
    return condition === undefined || !isAboutConnections(condition);
  });
}

/** Without a rule that rejects it, HAProxy sends what is no TLS to the default backend after a while. */
function noteOtherThanTls(front: Proxy, choices: readonly Choice[], notes: Notes): void {
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

function ruleOf(front: Proxy, { backend }: Choice, { sources, targets, notes }: ConnectionContext) {
  const source = sources.get(backend)!;
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
    backendRefs: [{ name: targets.get(backend)!.name }],
    timeouts: {
      ...(connectMs && { connect: formatDuration(connectMs) }),
      // HAProxy, too, then waits for ever.
      idle: idleMs > 0 ? formatDuration(idleMs) : "0s",
    },
    maxConnectAttempts: Math.min(attempts, limits.connectAttempts),
  };
}
