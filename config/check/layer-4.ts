// Which routes go with which listeners and backends: requests over HTTP and HTTPS, connections over TCP and TLS.
import { isLayer4 } from "#contract/snapshot.ts";
import type { NativeBackend, NativeConfig, NativeListener } from "../native/schema.ts";
import { connectionRoutes, connectionRules, filtersOf } from "../rule.ts";
import type { Path, Report } from "../report.ts";
import type { Check } from "./check.ts";
import { backendsOfFilter } from "#contract/filter-backends.ts";

type RouteList = "routes" | "tcpRoutes" | "tlsRoutes";

/** Gateway API: TCPRoute goes with TCP, and with TLS that ends at the gateway; TLSRoute with TLS. */
function takes(list: RouteList, { protocol, tls }: NativeListener): boolean {
  if (list === "routes") return protocol === "HTTP" || protocol === "HTTPS";
  if (list === "tlsRoutes") return protocol === "TLS";
  return protocol === "TCP" || (protocol === "TLS" && tls?.mode !== "Passthrough");
}

const wantedProtocol: Record<RouteList, string> = {
  routes: "HTTP or HTTPS",
  tcpRoutes: "TCP, or TLS with mode Terminate",
  tlsRoutes: "TLS",
};

export const routeProtocols: Check = (config, report) => {
  const listeners = new Map(config.listeners.map((listener) => [listener.name, listener]));
  for (const list of ["routes", "tcpRoutes", "tlsRoutes"] as const) {
    for (const [index, route] of config[list].entries()) {
      for (const [position, name] of (route.listeners ?? []).entries()) {
        const listener = listeners.get(name);
        if (!listener || takes(list, listener)) continue;
        const mode = listener.tls?.mode === "Passthrough" ? " with mode Passthrough" : "";
        report.add({
          code: "route-protocol",
          path: [list, index, "listeners", position],
          message: `listener ${JSON.stringify(name)} speaks ${listener.protocol}${mode}; ${list} need a listener of protocol ${wantedProtocol[list]}`,
          remedy: "Name another listener, or move the route to the list of its protocol.",
        });
      }
    }
  }
};

/** Each connection has one route: one per TCP listener, one per server name of a TLS listener. */
export const connectionConflicts: Check = (config, report) => {
  const tls = config.listeners.filter(({ protocol }) => protocol === "TLS").map(({ name }) => name);
  /** `<listener>|<hostname>`, `""` for every name; of a TCP route, `*`, which no hostname is. */
  const taken = new Map<string, string>();
  const routed = new Set<string>();
  for (const { list, index, route } of connectionRoutes(config)) {
    const hostnames = "hostnames" in route ? namesOf(route.hostnames) : ["*"];
    for (const listener of new Set(route.listeners ?? tls)) {
      routed.add(listener);
      const ofListener = list === "tlsRoutes" ? taken.get(`${listener}|*`) : undefined;
      for (const hostname of hostnames) {
        const key = `${listener}|${hostname}`;
        const other = ofListener ?? taken.get(key);
        if (other === undefined) taken.set(key, route.name);
        else report.add(conflict([list, index], route.name, other, listener, hostname));
      }
    }
  }
  for (const [index, { name, protocol }] of config.listeners.entries()) {
    if ((protocol !== "TCP" && protocol !== "TLS") || routed.has(name)) continue;
    report.add({
      code: "listener-unrouted",
      path: ["listeners", index],
      message: `no route takes the connections of listener ${JSON.stringify(name)}; they are closed at once`,
      remedy: `Add an entry to ${protocol === "TCP" ? "tcpRoutes" : "tlsRoutes"} that names it.`,
    });
  }
};

/** Of a route's rules, none counts behind one that takes every connection. */
export const inspectedRules: Check = (config, report) => {
  for (const [index, { rules }] of config.tcpRoutes.entries()) {
    const open = rules.findIndex(({ matches }) => matches.length === 0);
    if (open < 0 || open === rules.length - 1) continue;
    report.add({
      code: "rule-unreachable",
      path: ["tcpRoutes", index, "rules", open + 1],
      message: "no connection gets to this rule: the one in front of it takes every one",
      remedy: "Put it in front, or say with matches which connections the other one is for.",
    });
  }
};

function namesOf(hostnames: readonly string[]): Iterable<string> {
  return hostnames.length === 0 ? [""] : new Set(hostnames.map((hostname) => hostname.toLowerCase()));
}

function conflict(path: Path, name: string, other: string, listener: string, hostname: string) {
  const what = hostname === "" || hostname === "*" ? "the connections" : `the connections for ${hostname}`;
  return {
    code: "route-conflict",
    path,
    message: `route ${JSON.stringify(name)} wants ${what} of listener ${JSON.stringify(listener)}, which route ${JSON.stringify(other)} already has`,
    remedy:
      "Share them by weight among the backendRefs of one route, or give each its own listener or hostnames.",
  } as const;
}

/** A backend is balanced, checked and counted by what it carries, so one for requests is none for connections. */
export const backendProtocols: Check = (config, report) => {
  const backends = new Map(config.backends.map((backend) => [backend.name, backend]));
  const check = (name: string | null, layer4: boolean, path: Path): void => {
    const backend = backends.get(name ?? "");
    if (!backend || isLayer4(backend) === layer4) return;
    report.add({
      code: "backend-protocol",
      path,
      message: `backend ${JSON.stringify(name)} speaks ${backend.protocol}; ${layer4 ? "connections need protocol TCP or TLS" : "requests need protocol HTTP or HTTPS"}`,
      remedy: "Set the backend's protocol, or add another backend with the same endpoints.",
    });
  };
  for (const { path, rule } of connectionRules(config)) {
    for (const [position, { name }] of rule.backendRefs.entries()) {
      check(name, true, [...path, "backendRefs", position, "name"]);
    }
  }
  for (const [routeIndex, route] of config.routes.entries()) {
    for (const [ruleIndex, rule] of route.rules.entries()) {
      const path = ["routes", routeIndex, "rules", ruleIndex];
      for (const [position, { name }] of rule.backendRefs.entries()) {
        check(name, false, [...path, "backendRefs", position, "name"]);
      }
      for (const { filter, steps } of filtersOf(rule)) {
        for (const named of backendsOfFilter(filter))
          check(named.name, false, [...path, ...steps, ...named.steps]);
      }
    }
  }
};

export const listenerFields: Check = (config, report) => {
  for (const [index, listener] of config.listeners.entries()) {
    const { name, protocol, http2, hostnames, headers, requestLimits } = listener;
    const unexpected = (field: string, reason: string, remedy: string): void =>
      report.add({
        code: "listener-field-unexpected",
        path: ["listeners", index, field],
        at: "key",
        message: `listener ${JSON.stringify(name)} speaks ${protocol}, ${reason}`,
        remedy,
      });
    if (protocol === "TCP" && hostnames.length > 0) {
      unexpected("hostnames", "in which no host is named", "Remove hostnames, or set protocol: TLS.");
    }
    if (isLayer4(listener) && requestLimits) {
      unexpected("requestLimits", "which carries no requests", "Remove requestLimits.");
    }
    if (isLayer4(listener) && headers) unexpected("headers", "which carries no requests", "Remove headers.");
    if (isLayer4(listener) && http2) unexpected("http2", "which carries no requests", "Remove http2.");
  }
};

export const backendLayer: Check = (config, report) => {
  for (const [index, backend] of config.backends.entries()) {
    if (isLayer4(backend)) reportIneffective(backend, ["backends", index], report);
  }
};

/** Policies that judge requests, of which a connection has none that the gateway sees. */
function reportIneffective(backend: NativeBackend, path: Path, report: Report): void {
  const { loadShedding, retryConstraint, hedging, circuitBreaker = {}, loadBalancer } = backend;
  const { maxPendingRequests, maxParallelRequests, maxParallelRetries } = circuitBreaker;
  const key = loadBalancer.consistentHash?.type ?? "SourceIP";
  const found: [Path, unknown][] = [
    [["loadShedding"], loadShedding],
    [["retryConstraint"], retryConstraint],
    [["hedging"], hedging],
    [["circuitBreaker", "maxPendingRequests"], maxPendingRequests],
    [["circuitBreaker", "maxParallelRequests"], maxParallelRequests],
    [["circuitBreaker", "maxParallelRetries"], maxParallelRetries],
    [["loadBalancer", "consistentHash"], key === "SourceIP" ? undefined : key],
  ];
  for (const [steps, value] of found) {
    if (value === undefined) continue;
    report.add({
      code: "policy-ineffective",
      path: [...path, ...steps],
      at: "key",
      message: `backend ${JSON.stringify(backend.name)} speaks ${backend.protocol}: ${steps.join(".")} is about requests and has no effect on connections`,
      remedy:
        steps.at(-1) === "consistentHash"
          ? "Set type: SourceIP; anything else is random here."
          : "Remove it.",
    });
  }
}

/** A Worker at Cloudflare's edge gets requests only. */
export const edgeListeners: Check = (config: NativeConfig, report) => {
  for (const [index, listener] of config.listeners.entries()) {
    if (!isLayer4(listener)) {
      if (listener.proxyProtocol) noteEdgeClients(listener, index, report);
      if (listener.connection) noteEdgeConnections(listener, index, report);
      continue;
    }
    report.add({
      code: "listener-unsupported",
      path: ["listeners", index, "protocol"],
      message: `Cloudflare's edge gives Workers no ${listener.protocol} connections: listener ${JSON.stringify(listener.name)} accepts none there`,
      remedy: "Run the gateway with `isthmus serve`, or use Cloudflare Spectrum.",
    });
  }
};

function noteEdgeConnections({ name }: NativeListener, index: number, report: Report): void {
  report.add({
    code: "listener-unsupported",
    path: ["listeners", index, "connection"],
    at: "key",
    message: `Cloudflare's edge has the connections of clients: listener ${JSON.stringify(name)} does not count them there`,
    remedy: "Run the gateway with `isthmus serve`, or limit requests with rateLimit.",
  });
}

function noteEdgeClients({ name }: NativeListener, index: number, report: Report): void {
  report.add({
    code: "listener-unsupported",
    path: ["listeners", index, "proxyProtocol"],
    at: "key",
    message: `Cloudflare's edge tells Workers who the client is: listener ${JSON.stringify(name)} reads no PROXY protocol there`,
    remedy: "Run the gateway with `isthmus serve`, or remove it.",
  });
}
