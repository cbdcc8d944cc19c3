// Backends and listens with servers → backends.
import type { NativeConfigInput } from "../../native/schema.ts";
import { formatDuration } from "../duration.ts";
import type { Notes } from "../notes.ts";
import { settingOf, type Proxy } from "../proxy.ts";
import { attempt } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";
import { translateBalance } from "./balance.ts";
import { translateHealthCheck } from "./health-check.ts";
import { noOptions, readServer, readServerOptions, type Server } from "./server-line.ts";

export type BackendInput = NonNullable<NativeConfigInput["backends"]>[number];
type EndpointInput = NonNullable<BackendInput["endpoints"]>[number];

export interface ImportedBackend {
  readonly statement: Statement;
  readonly backend: BackendInput;
  /** `server` statements, one per endpoint. */
  readonly endpoints: readonly Statement[];
}

export function translateBackend(proxy: Proxy, name: string, notes: Notes): ImportedBackend {
  const all = readServers(proxy, notes);
  const servers = all.filter(({ options }) => !options.disabled);
  for (const { statement } of all.filter(({ options }) => options.disabled)) {
    const message = "the server is left out: what is disabled gets no requests";
    notes.add(statement, {
      code: "statement-approximated",
      message,
      remedy: "Remove `disabled` to bring it back.",
    });
  }
  const loadBalancer = attempt(proxy.heading, notes, () => translateBalance(proxy, notes));
  const active = attempt(proxy.heading, notes, () => translateHealthCheck(proxy, all, notes));
  const passive = passiveCheck(servers);
  const slowStartMs = servers.find(({ options }) => options.slowStartMs !== undefined)?.options.slowStartMs;
  const isHash = loadBalancer?.type === "ConsistentHash";
  return {
    statement: proxy.heading,
    backend: {
      name,
      ...(protocolOf(servers, notes) === "HTTPS" && { protocol: "HTTPS" }),
      endpoints: endpointsOf(proxy, servers),
      loadBalancer: {
        ...(loadBalancer ?? { type: "RoundRobin" }),
        ...(slowStartMs !== undefined && !isHash && { slowStart: { window: formatDuration(slowStartMs) } }),
      },
      healthCheck: { ...(active && { active }), ...(passive && { passive }) },
    },
    endpoints: servers.map(({ statement }) => statement),
  };
}

function readServers(proxy: Proxy, notes: Notes): Server[] {
  let defaults = noOptions;
  const servers: Server[] = [];
  for (const statement of proxy.statements) {
    const keyword = wordAt(statement, 0);
    if (keyword === "default-server") {
      defaults =
        attempt(statement, notes, () => readServerOptions(statement, 1, defaults, notes)) ?? defaults;
    } else if (keyword === "server") {
      const server = attempt(statement, notes, () => readServer(statement, defaults, notes));
      if (server) servers.push(server);
    }
  }
  return servers;
}

/** Backup servers, one after the other, come last; with `balance first` every server does. */
function endpointsOf(proxy: Proxy, servers: readonly Server[]): EndpointInput[] {
  const balance = settingOf(proxy, "balance");
  const isFirst = balance !== undefined && wordAt(balance, 1) === "first";
  const together = settingOf(proxy, "option", "allbackups") !== undefined;
  let backups = 0;
  return servers.map(({ address, port, options }, index) => {
    let priority = isFirst ? index : 0;
    if (options.backup) {
      backups += 1;
      priority = (isFirst ? servers.length : 1) + (together ? 0 : backups - 1);
    }
    return {
      address,
      port,
      ...(options.weight !== 1 && { weight: options.weight }),
      ...(priority > 0 && { priority: Math.min(priority, 127) }),
    };
  });
}

function protocolOf(servers: readonly Server[], notes: Notes): "HTTP" | "HTTPS" {
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
  return isTls ? "HTTPS" : "HTTP";
}

/** `observe layer7`: failed requests take a server out. HAProxy's error-limit is 10. */
function passiveCheck(servers: readonly Server[]) {
  const observed = servers.find(({ options }) => options.observe !== undefined)?.options;
  if (!observed) return undefined;
  const limit = observed.errorLimit ?? 10;
  return observed.observe === "layer7"
    ? { consecutive5xxErrors: limit, maxEjectionPercent: 100 }
    : {
        consecutive5xxErrors: 0,
        consecutiveLocalOriginFailures: limit,
        splitExternalLocalOriginErrors: true,
        maxEjectionPercent: 100,
      };
}
