// Backends and listens with servers → backends.
import type { NativeConfigInput } from "../../native/schema.ts";
import { formatDuration } from "../../duration-text.ts";
import { readDurationMs } from "../duration.ts";
import type { Notes } from "../notes.ts";
import { isHttp, settingOf, statementsIn, type Proxy } from "../proxy.ts";
import { attempt } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";
import { translateBalance, type LoadBalancer } from "./balance.ts";
import { cookieValues } from "./cookie.ts";
import { type BackendChecks, noChecks, translateHealthCheck } from "./health-check.ts";
import { translateServerTls, type ServerTlsContext } from "./server-tls.ts";
import { boundsOf, queueOf } from "./server-bounds.ts";
import { observedErrors } from "./observed-errors.ts";
import {
  noOptions,
  readServer,
  readServerOptions,
  readTemplate,
  type Server,
  type ServerOptions,
} from "./server-line.ts";

export type BackendInput = NonNullable<NativeConfigInput["backends"]>[number];
type EndpointInput = NonNullable<BackendInput["endpoints"]>[number];

export interface ImportedBackend {
  readonly statement: Statement;
  readonly backend: BackendInput;
  /** `server` statements, one per endpoint. */
  readonly endpoints: readonly Statement[];
  /** Where servers are, by name. */
  readonly places: ReadonlyMap<string, ServerPlace>;
}

export interface ServerPlace {
  readonly address: string;
  readonly port: number;
}

export function translateBackend(proxy: Proxy, name: string, context: ServerTlsContext): ImportedBackend {
  const { notes } = context;
  const all = readServers(proxy, context.ports.get(proxy.name), notes);
  const servers = withoutRepeated(
    all.filter(({ options }) => !options.disabled),
    notes,
  );
  for (const { statement } of all.filter(({ options }) => options.disabled)) {
    const message = "the server is left out: what is disabled gets no requests";
    notes.add(statement, {
      code: "statement-approximated",
      message,
      remedy: "Remove `disabled` to bring it back.",
    });
  }
  const loadBalancer = translateBalance(proxy, notes);
  const checks = attempt(proxy.heading, notes, () => translateHealthCheck(proxy, all, notes)) ?? noChecks;
  const { active } = checks;
  const carries = isHttp(proxy) ? "requests" : "connections";
  const protocol = protocolOf(servers, carries, notes);
  const [firstServer] = servers;
  const tls =
    firstServer &&
    attempt(firstServer.statement, notes, () => translateServerTls(servers, checks.speaksTls, context));
  // Routes of connections have their own.
  const hasTimeout = isHttp(proxy) || tls !== undefined;
  const connectTimeout = hasTimeout ? connectTimeoutOf(proxy, notes) : undefined;
  const { http2 = false, sendProxy } = firstServer?.options ?? {};
  const isDialled = tls === undefined && !(isHttp(proxy) && (http2 || sendProxy));
  const errors = observedErrors(servers, isDialled, notes);
  const proxyProtocol = proxyProtocolOf(servers, notes);
  const slowStartMs = servers.find(({ options }) => options.slowStartMs !== undefined)?.options.slowStartMs;
  const isHash = loadBalancer.type === "ConsistentHash";
  const queue = queueOf(proxy, servers, notes);
  return {
    statement: proxy.heading,
    backend: {
      name,
      ...(protocol !== "HTTP" && { protocol }),
      ...(tls && { tls }),
      ...(connectTimeout !== undefined && { timeout: { tcp: { connectTimeout } } }),
      ...(proxyProtocol && { proxyProtocol: { version: proxyProtocol } }),
      endpoints: endpointsOf(
        proxy,
        servers,
        checks,
        isRing(loadBalancer) ? hashIdsOf(all) : undefined,
        notes,
      ),
      loadBalancer: {
        ...loadBalancer,
        ...(hasLevels(proxy, servers) && { overprovisioningFactor: 100 * Math.max(1, servers.length) }),
        ...(slowStartMs !== undefined && !isHash && { slowStart: { window: formatDuration(slowStartMs) } }),
      },
      ...(queue && { queue }),
      healthCheck: {
        ...(active && { active }),
        ...errors,
        ...(closesWhenDown(proxy, all, notes) && active && { closeConnectionsOnFailure: true }),
      },
    },
    endpoints: servers.map(({ statement }) => statement),
    places: new Map(
      all.flatMap((server) => (server.options.disabled ? [] : [[server.name, placeOf(server)]])),
    ),
  };
}

/** `on-marked-down shutdown-sessions`. */
function closesWhenDown(proxy: Proxy, servers: readonly Server[], notes: Notes): boolean {
  const closing = servers.filter(({ options }) => options.closesWhenDown);
  if (!isHttp(proxy)) {
    const [other] = servers.filter(({ options }) => !options.closesWhenDown);
    if (closing.length > 0 && other) {
      const message = "its connections are closed when it goes down, as those of the others";
      notes.add(other.statement, { code: "statement-approximated", message });
    }
    return closing.length > 0;
  }
  for (const { statement } of closing) {
    const message = "requests that are under way with a server that goes down are not broken off";
    notes.add(statement, { code: "statement-ignored", message });
  }
  return false;
}

function placeOf({ address, port }: Server): ServerPlace {
  return { address, port };
}

function readServers(proxy: Proxy, clientPort: number | undefined, notes: Notes): Server[] {
  let defaults = noOptions;
  const servers: Server[] = [];
  // Inherited ones first; a line holds for the servers below it.
  const { statements } = proxy.settings;
  const inherited = statementsIn(proxy.settings.inherited, "default-server");
  for (const statement of [...inherited, ...statements]) {
    const keyword = wordAt(statement, 0);
    if (keyword === "default-server") {
      defaults =
        attempt(statement, notes, () => readServerOptions(statement, 1, defaults, notes)) ?? defaults;
    } else if (keyword === "server" || keyword === "server-template") {
      const read = keyword === "server" ? readServer : readTemplate;
      const server = attempt(statement, notes, () => read(statement, defaults, notes, clientPort));
      if (server) servers.push(server);
    }
  }
  return servers;
}

/** Two servers of one address are one endpoint with the weight of both. */
function withoutRepeated(servers: readonly Server[], notes: Notes): Server[] {
  const kept = new Map<string, Server>();
  for (const server of servers) {
    const key = `${server.address.toLowerCase()} ${server.port}`;
    const first = kept.get(key);
    if (!first) {
      kept.set(key, server);
      continue;
    }
    const message = `its requests go to ${JSON.stringify(first.name)}, which has the same address`;
    notes.add(server.statement, { code: "statement-approximated", message });
    kept.set(key, { ...first, options: joined(first.options, server.options) });
  }
  return [...kept.values()];
}

function joined(one: ServerOptions, other: ServerOptions): ServerOptions {
  const { maxConnections = 0, minConnections = 0 } = one;
  // One without a bound makes the sum none.
  const isBound = maxConnections > 0 && (other.maxConnections ?? 0) > 0;
  return {
    ...one,
    weight: one.weight + other.weight,
    maxConnections: isBound ? maxConnections + other.maxConnections! : 0,
    minConnections: isBound ? minConnections + (other.minConnections ?? 0) : 0,
  };
}

function isFirstFit(proxy: Proxy): boolean {
  const balance = settingOf(proxy, "balance");
  return balance !== undefined && wordAt(balance, 1) === "first";
}

/** HAProxy uses a backup only when all others are down, so one endpoint of a level has to be enough. */
function hasLevels(proxy: Proxy, servers: readonly Server[]): boolean {
  return isFirstFit(proxy) || servers.some(({ options }) => options.backup);
}

function isRing({ consistentHash }: LoadBalancer): boolean {
  return consistentHash?.hashType?.method === "Consistent";
}

/** HAProxy numbers servers from 1 on, in their order, with the numbers that no other has by `id`. */
function hashIdsOf(servers: readonly Server[]): Map<Statement, number> {
  const taken = new Set(servers.flatMap(({ options }) => options.id ?? []));
  let next = 1;
  return new Map(
    servers.map(({ statement, options, count }) => {
      if (options.id !== undefined) return [statement, options.id];
      while (taken.has(next)) next += 1;
      const id = next;
      next += count ?? 1;
      return [statement, id];
    }),
  );
}

/** Backup servers, one after the other, come last; with `balance first` every server does. */
function endpointsOf(
  proxy: Proxy,
  servers: readonly Server[],
  checks: BackendChecks,
  hashIds: ReadonlyMap<Statement, number> | undefined,
  notes: Notes,
): EndpointInput[] {
  const isFirst = isFirstFit(proxy);
  const together = settingOf(proxy, "option", "allbackups") !== undefined;
  const cookieOf = isHttp(proxy) ? cookieValues(proxy, notes) : () => undefined;
  let backups = 0;
  return servers.map((server, index) => {
    const { statement, address, port, options } = server;
    const cookie = cookieOf(server);
    let priority = isFirst ? index : 0;
    if (options.backup) {
      backups += 1;
      priority = (isFirst ? servers.length : 1) + (together ? 0 : backups - 1);
    }
    const { weight } = options;
    const hashId = hashIds?.get(statement) ?? index + 1;
    const healthCheck = checks.ofServer(server);
    return {
      address,
      port,
      ...(hashId !== index + 1 && { hashId }),
      ...(weight !== 1 && { weight }),
      ...boundsOf(options),
      ...(cookie !== undefined && { cookie }),
      ...(priority > 0 && { priority: Math.min(priority, 127) }),
      ...(healthCheck && { healthCheck }),
    };
  });
}

type Carries = "requests" | "connections";

function protocolOf(
  servers: readonly Server[],
  carries: Carries,
  notes: Notes,
): NonNullable<BackendInput["protocol"]> {
  const [first] = servers;
  const isTls = first?.options.tls ?? false;
  for (const { statement, options } of servers) {
    if (options.tls === isTls) continue;
    notes.add(statement, {
      code: "statement-unsupported",
      message: "the servers of a backend all speak TLS, or none does",
      remedy: "Give those with `ssl` a backend of their own.",
    });
  }
  if (carries === "connections") return isTls ? "TLS" : "TCP";
  const isHttp2 = first?.options.http2 ?? false;
  for (const { statement, options } of servers) {
    if (options.http2 === isHttp2) continue;
    notes.add(statement, {
      code: "statement-unsupported",
      message: "the servers of a backend all speak HTTP/2, or none does",
      remedy: "Give the others a backend of their own.",
    });
  }
  if (isHttp2) return isTls ? "H2" : "H2C";
  return isTls ? "HTTPS" : "HTTP";
}

function connectTimeoutOf(proxy: Proxy, notes: Notes): string | undefined {
  const statement = settingOf(proxy, "timeout", "connect");
  const ms = statement && attempt(statement, notes, () => readDurationMs(statement.words[2]));
  return ms ? formatDuration(ms) : undefined;
}

function proxyProtocolOf(servers: readonly Server[], notes: Notes): "V1" | "V2" | undefined {
  const version = servers[0]?.options.sendProxy;
  for (const { statement, options } of servers) {
    if (options.sendProxy !== version) {
      notes.add(statement, {
        code: "statement-unsupported",
        message: "the servers of a backend all get the PROXY protocol in one version, or none does",
        remedy: "Give the others a backend of their own.",
      });
    }
  }
  return version;
}
