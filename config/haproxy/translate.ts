// Sections of a haproxy.cfg → the native model as a user would write it, with the place of each part.
import type { NativeConfigInput } from "../native/schema.ts";
import type { Path } from "../report.ts";
import { limits } from "#contract/limits.ts";
import { checkKeywords } from "./check-keywords.ts";
import { readCompression } from "./model/compression.ts";
import { translateBackend, type ImportedBackend } from "./model/backends.ts";
import { withCountedBackends } from "./model/counted-backends.ts";
import { tellsServers, withServerNames } from "./model/server-names.ts";
import {
  noteIdleStatements,
  translateConnections,
  type ConnectionContext,
  type ImportedConnections,
} from "./model/connections.ts";
import { clientPorts } from "./model/client-ports.ts";
import { withGlobalMaximum } from "./model/connection-limits.ts";
import { createErrorPageSets, type ImportedErrorPages } from "./model/error-page-sets.ts";
import { translateBinds, type ImportedListener } from "./model/listeners.ts";
import type { ServerTlsContext } from "./model/server-tls.ts";
import { noteDefaultTlsVersions } from "./model/tls-versions.ts";
import { createNames, type Names } from "./model/names.ts";
import { Counters, type ImportedCounterTable } from "./program/counters.ts";
import { translateRoutes, type ImportedRoute, type RouteContext, type Target } from "./model/routes.ts";
import { translateRulePolicies } from "./model/rule-policies.ts";
import { withLocalSockets } from "./local-sockets.ts";
import { crtBase, type NamedFiles } from "./named-files.ts";
import { createNotes, type Notes } from "./notes.ts";
import { readErrorSections } from "./program/error-pages.ts";
import { createRateLimits, type ImportedPolicy } from "./program/rate-table.ts";
import { readProcessVariables } from "./program/process-variables.ts";
import type { Program } from "./program/program.ts";
import { Reach } from "./program/reach.ts";
import { readsCaptures } from "./program/captures.ts";
import { readProgram, type Library } from "./program/read-program.ts";
import { readUserLists } from "./program/user-list.ts";
import { isHttp, readProxies, settingOf, statementsOf, type Proxy } from "./proxy.ts";
import { wordAt, type Section, type Statement } from "./statement.ts";

export interface Translation {
  readonly config: NativeConfigInput;
  /** The statement that a part of the model comes from; parts without one are their parents'. */
  readonly origins: readonly { readonly path: Path; readonly statement: Statement }[];
}

/** What the model is made of, each part with its statement. */
interface Parts {
  readonly listeners: readonly ImportedListener[];
  readonly routes: readonly ImportedRoute[];
  readonly connections: readonly ImportedConnections[];
  readonly backends: readonly ImportedBackend[];
  readonly policies: readonly ImportedPolicy[];
  readonly errorPages: readonly ImportedErrorPages[];
  readonly counterTables: readonly ImportedCounterTable[];
  readonly counters: Counters;
}

export function translate(sections: readonly Section[], files: NamedFiles, notes: Notes): Translation {
  noteDefaultTlsVersions(sections, notes);
  const known = withLocalSockets(checkKeywords(sections, notes), notes);
  const parts = translateParts(known, files, notes, asksForCounters(known, files));
  const { listeners, routes, backends, policies, connections, errorPages, counterTables, counters } = parts;
  const tcpRoutes = connections.flatMap((imported) => imported.tcpRoutes);
  const tlsRoutes = connections.flatMap((imported) => imported.tlsRoutes);
  return {
    config: {
      listeners: listeners.map(({ listener }) => listener),
      routes: routes.map(({ route }) => withCounting(route, counters)),
      ...(tcpRoutes.length > 0 && { tcpRoutes: tcpRoutes.map(({ route }) => route) }),
      ...(tlsRoutes.length > 0 && { tlsRoutes: tlsRoutes.map(({ route }) => route) }),
      backends: backends.map(({ backend }) => backend),
      ...(policies.length > 0 && { rateLimitPolicies: policies.map(({ policy }) => policy) }),
      ...(errorPages.length > 0 && { errorPages: errorPages.map((imported) => imported.errorPages) }),
      ...(counterTables.length > 0 && { counterTables: counterTables.map(({ table }) => table) }),
    },
    origins: originsOf(parts),
  };
}

const mayAsk = /(?:^|[^a-z])(?:sc[0-9]*_|src_|table_|in_table)/;

/** Whether rules ask for counters other than limits do, which only their runs show: a run in which nothing is counted. */
function asksForCounters(sections: readonly Section[], files: NamedFiles): boolean {
  const isPossible = sections.some(({ statements }) =>
    statements.some(({ words }) => words.some(({ text }) => mayAsk.test(text))),
  );
  return isPossible && translateParts(sections, files, createNotes(""), false).counters.isAsked;
}

function translateParts(
  sections: readonly Section[],
  files: NamedFiles,
  notes: Notes,
  counts: boolean,
): Parts {
  const proxies = readProxies(sections, notes).filter((proxy) => isServed(proxy, notes));
  const library = libraryOf(sections, proxies, files, notes, counts);
  const requests = proxies.filter(isHttp);
  const programs = new Map(requests.map((proxy) => [proxy, readProgram(proxy, library, notes)]));
  const sources = proxies.filter(isSource);
  const backendNames = createNames();
  const targets = new Map(sources.map((proxy) => targetOf(proxy, backendNames, notes)));
  const folders = { crt: crtBase(sections), ca: globalWord(sections, "ca-base") };
  const serverTls: ServerTlsContext = {
    folders,
    verifiesServers: globalWord(sections, "ssl-server-verify") !== "none",
    ports: clientPorts(proxies),
    notes,
  };
  const backends = translateBackends(sections, sources, targets, serverTls);
  const context: RouteContext = {
    places: new Map([...backends].map(([name, { places }]) => [name, places])),
    backends: new Map(sources.filter(isHttp).map((proxy) => [proxy.name, programs.get(proxy)!])),
    targets,
    names: createNames(),
    errorPages: createErrorPageSets(createNames(), notes),
    notes,
    budget: { rules: limits.importedRules },
    reach: new Reach(),
    counters: library.counters,
  };

  const fronts = proxies.filter(({ kind }) => kind !== "backend");
  for (const proxy of proxies) if (!isHttp(proxy)) noteIdleStatements(proxy, notes);
  const connectionContext: ConnectionContext = {
    folders,
    listenerNames: createNames(),
    routeNames: createNames(),
    sources: new Map(sources.map((proxy) => [proxy.name, proxy])),
    targets,
    places: context.places,
    tables: library.tables,
    files,
    notes,
  };
  const connections = fronts
    .filter((proxy) => !isHttp(proxy))
    .map((proxy) => translateConnections(proxy, connectionContext));
  const served = fronts
    .filter(isHttp)
    .map((proxy) => translateFront(proxy, programs.get(proxy)!, context, connectionContext));
  noteRuns(context, fronts, programs.values());
  const { routes, counted } = withCountedBackends(served, targets);
  return {
    listeners: withGlobalMaximum(
      [...served, ...connections].flatMap((front) => front.listeners),
      globalStatement(sections, "maxconn"),
      notes,
    ),
    routes,
    connections,
    backends: neededBackends(backends, routes, connections, counted),
    policies: library.rateLimits.policies,
    errorPages: context.errorPages.sets,
    counterTables: library.counters.tables(notes),
    counters: library.counters,
  };
}

/** By the name in the configuration. */
function translateBackends(
  sections: readonly Section[],
  sources: readonly Proxy[],
  targets: ReadonlyMap<string, Target>,
  context: ServerTlsContext,
): Map<string, ImportedBackend> {
  const isTold = tellsServers(sections);
  return new Map(
    sources.map((proxy) => {
      const imported = translateBackend(proxy, targets.get(proxy.name)!.name, context);
      return [proxy.name, isTold ? withServerNames(imported) : imported];
    }),
  );
}

/** A backend without servers whose rules answer every request needs no place in the model. */
function isNeeded({ backend }: ImportedBackend, used: ReadonlySet<string>): boolean {
  return used.has(backend.name) || backend.endpoints!.length > 0;
}

function translateFront(
  proxy: Proxy,
  program: Program,
  context: RouteContext,
  connectionContext: ConnectionContext,
): { listeners: ImportedListener[]; routes: ImportedRoute[] } {
  const errorPages = context.errorPages.nameOf(program.pages, proxy);
  const binds = translateBinds(proxy, program, connectionContext);
  const listeners = binds.map((bind) => ({ ...bind, listener: { ...bind.listener, errorPages } }));
  const routes = translateRoutes(proxy, program, listeners, context);
  return { listeners, routes };
}

/** With what is asked for of what its rules count. */
function withCounting(route: ImportedRoute["route"], counters: Counters): ImportedRoute["route"] {
  const rules = route.rules.map(({ counting = [], ...rule }) => {
    const kept = counters.counted(counting);
    return kept.length === 0 ? rule : { ...rule, counting: kept };
  });
  return { ...route, rules };
}

function libraryOf(
  sections: readonly Section[],
  proxies: readonly Proxy[],
  files: NamedFiles,
  notes: Notes,
  counts: boolean,
): Library {
  const tables = new Map(proxies.map((proxy) => [proxy.name, proxy]));
  return {
    backends: new Set(
      proxies.filter(isHttp).flatMap(({ kind, name }) => (kind === "frontend" ? [] : [name])),
    ),
    tables,
    rateLimits: createRateLimits(tables, createNames()),
    counters: new Counters(tables, createNames()),
    counts,
    users: readUserLists(sections),
    processVariables: readProcessVariables(sections, notes),
    readsCaptures: readsCaptures(sections),
    errorSections: readErrorSections(sections, files, notes),
    files,
  };
}

/** Name in the configuration, and what becomes of it. */
function targetOf(proxy: Proxy, names: Names, notes: Notes): [string, Target] {
  const name = names.take(proxy.name);
  if (!isHttp(proxy)) return [proxy.name, { name, policies: {}, compression: {} }];
  const policies = translateRulePolicies(proxy, notes);
  return [proxy.name, { name, policies, compression: readCompression(proxy, notes) }];
}

/** Whether requests can be sent to the proxy's own servers. */
function isSource(proxy: Proxy): boolean {
  const servers = [...statementsOf(proxy, "server"), ...statementsOf(proxy, "server-template")];
  return proxy.kind === "backend" || (proxy.kind === "listen" && servers.length > 0);
}

function neededBackends(
  backends: ReadonlyMap<string, ImportedBackend>,
  routes: readonly ImportedRoute[],
  connections: readonly ImportedConnections[],
  counted: ReadonlySet<string>,
): ImportedBackend[] {
  const reached = [...routes.flatMap(backendsOf), ...connections.flatMap(backendsOfConnections)];
  const used = new Set([...reached, ...counted]);
  return [...backends.values()].filter((imported) => isNeeded(imported, used));
}

function backendsOf({ route }: ImportedRoute): string[] {
  return route.rules.flatMap(({ backendRefs = [] }) => backendRefs.flatMap(({ name }) => name ?? []));
}

function backendsOfConnections({ tcpRoutes, tlsRoutes }: ImportedConnections): string[] {
  const routes = [...tcpRoutes, ...tlsRoutes];
  return routes.flatMap(({ route }) =>
    route.rules.flatMap(({ backendRefs = [] }) => backendRefs.flatMap(({ name }) => name ?? [])),
  );
}

function originsOf({
  listeners,
  routes,
  connections,
  backends,
  policies,
  errorPages,
  counterTables,
}: Parts): Translation["origins"] {
  const originsOfList = (list: "tcpRoutes" | "tlsRoutes") =>
    connections
      .flatMap((imported): readonly { readonly statement: Statement }[] => imported[list])
      .map(({ statement }, index) => ({ path: [list, index], statement }));
  return [
    ...originsOfList("tcpRoutes"),
    ...originsOfList("tlsRoutes"),
    ...listeners.map(({ statement }, index) => ({ path: ["listeners", index], statement })),
    ...routes.flatMap(({ statement, rules }, index) => [
      { path: ["routes", index], statement },
      ...rules.map((rule, ruleIndex) => ({ path: ["routes", index, "rules", ruleIndex], statement: rule })),
    ]),
    ...policies.map(({ statement }, index) => ({ path: ["rateLimitPolicies", index], statement })),
    ...errorPages.map(({ statement }, index) => ({ path: ["errorPages", index], statement })),
    ...counterTables.map(({ statement }, index) => ({ path: ["counterTables", index], statement })),
    ...backends.flatMap(({ statement, endpoints }, index) => [
      { path: ["backends", index], statement },
      ...endpoints.map((endpoint, position) => ({
        path: ["backends", index, "endpoints", position],
        statement: endpoint,
      })),
    ]),
  ];
}

/** Whether the proxy is to be served: it is enabled, and carries requests or connections. */
function isServed(proxy: Proxy, notes: Notes): boolean {
  const [disabled, enabled] = [settingOf(proxy, "disabled"), settingOf(proxy, "enabled")];
  const state = disabled && (!enabled || enabled.line < disabled.line) ? disabled : enabled;
  if (state && wordAt(state, 0) === "disabled") {
    notes.add(state, {
      code: "statement-approximated",
      message: "the section is left out: what is disabled does nothing",
    });
    return false;
  }
  const mode = settingOf(proxy, "mode");
  const value = mode ? wordAt(mode, 1) : "tcp";
  if (value === "http" || value === "tcp") return true;
  notes.add(mode!, {
    code: "statement-unsupported",
    message: `${value} is not served; sections carry requests (http) or connections (tcp)`,
    remedy: "Leave the section to HAProxy.",
  });
  return false;
}

function globalWord(sections: readonly Section[], keyword: string): string {
  const last = globalStatement(sections, keyword);
  return last ? wordAt(last, 1) : "";
}

function globalStatement(sections: readonly Section[], keyword: string): Statement | undefined {
  const statements = sections
    .filter(({ kind }) => kind === "global")
    .flatMap((section) => section.statements);
  return statements.findLast((statement) => wordAt(statement, 0) === keyword);
}

/** What only the runs of all frontends together show. */
function noteRuns(
  { budget, reach, notes }: RouteContext,
  [first]: readonly Proxy[],
  programs: Iterable<Program>,
): void {
  if (budget.rules >= 0) {
    if (!notes.hasErrors()) reach.note(programs, notes);
    return;
  }
  if (!first) return;
  notes.add(first.heading, {
    code: "limit-exceeded",
    message: "conditions of rules that change requests multiply to too many combinations",
    remedy: "Write rules that change requests without conditions, or split the section.",
  });
}
