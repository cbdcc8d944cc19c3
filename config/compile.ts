// Validated model → snapshot: durations in milliseconds, references resolved, one order whatever the files' order was.
import { durationMs } from "#contract/duration.ts";
import {
  isLayer4,
  type Snapshot,
  type SnapshotBackend,
  type SnapshotListener,
  type SnapshotRoute,
  type SnapshotRule,
} from "#contract/snapshot.ts";
import { compileBackendTls } from "./compile-backend-tls.ts";
import { compileConnectionLimits } from "./compile-connection-limits.ts";
import { compileEndpointCheck, compileHealthCheck } from "./compile-health-check.ts";
import { compileConnectionRoutes } from "./compile-layer-4.ts";
import { compileRuleSecurityPolicy, compileSecurityPolicy } from "./compile-security-policy.ts";
import {
  compileBackendPolicies,
  compileLoadBalancer,
  compilePassiveHealth,
  compileRulePolicies,
} from "./compile-policy.ts";
import { compileRateLimits, limitsOfRule } from "./compile-rate-limit.ts";
import { parseAddress, placeId } from "./native/address.ts";
import { compileCounterTable } from "./native/counter.ts";
import type { NativeRateLimitPolicy } from "./native/rate-limit.ts";
import type {
  NativeBackend,
  NativeConfig,
  NativeListener,
  NativeRoute,
  NativeRule,
} from "./native/schema.ts";
import { tunnelOf } from "./own-agent.ts";
import { everyPath, ruleId } from "./rule.ts";

/**
 * Listeners are in the order of port and name, routes and backends in that of their names (code units); rules, matches,
 * filters, references and endpoints stay as written. The model must have passed the checks without an error.
 */
export function compileSnapshot(config: NativeConfig): Snapshot {
  const listeners = config.listeners
    .map(compileListener)
    .sort((a, b) => a.port - b.port || compareNames(a, b));
  const listenerNames = listeners.map(({ name }) => name);
  const httpListenerNames = listeners.filter((listener) => !isLayer4(listener)).map(({ name }) => name);
  const policies = new Map(config.rateLimitPolicies.map((policy) => [policy.name, policy]));
  return {
    format: 1,
    listeners,
    routes: config.routes.map((route) => compileRoute(route, httpListenerNames, policies)).sort(compareNames),
    ...compileConnectionRoutes(config, listenerNames),
    backends: config.backends.map(compileBackend).sort(compareNames),
    ...(config.errorPages.length > 0 && { errorPages: config.errorPages.toSorted(compareNames) }),
    ...(config.counterTables.length > 0 && {
      counterTables: config.counterTables.map(compileCounterTable).sort(compareNames),
    }),
    settings: {
      clientIPDetection: compileDetection(config.clientIPDetection),
      accessLog: {
        mode: config.accessLog.mode,
        ...(config.accessLog.format === "JSON" ? {} : { format: config.accessLog.format }),
      },
      ...(config.tracing && { tracing: compileTracing(config.tracing) }),
    },
  };
}

function compileDetection({
  xForwardedFor,
}: NativeConfig["clientIPDetection"]): Snapshot["settings"]["clientIPDetection"] {
  return {
    numTrustedHops: xForwardedFor?.numTrustedHops ?? 0,
    trustedCIDRs: xForwardedFor?.trustedCIDRs ?? [],
  };
}

function compileTracing({
  samplingRate,
  otlpEndpoint,
}: NonNullable<NativeConfig["tracing"]>): NonNullable<Snapshot["settings"]["tracing"]> {
  return { samplingRate, ...(otlpEndpoint !== undefined && { otlpEndpoint }) };
}

/** Certificates stay outside: the server that ends TLS reads them, the gateway never sees them. */
function compileListener(listener: NativeListener): SnapshotListener {
  const {
    name,
    protocol,
    port,
    addresses,
    http2,
    hostnames,
    tls,
    proxyProtocol,
    connection,
    clientIPDetection,
    headers,
    requestLimits,
    timeouts,
    errorPages,
  } = listener;
  return {
    name,
    protocol,
    port,
    ...(addresses && { addresses: addresses.map((address) => parseAddress(address)?.canonical ?? address) }),
    ...(http2 && protocol === "HTTP" && { http2 }),
    hostnames: canonicalHostnames(hostnames),
    ...(protocol === "TLS" && { tlsMode: tls?.mode ?? "Terminate" }),
    ...(proxyProtocol && { proxyProtocol }),
    ...(connection && { connection: compileConnectionLimits(connection) }),
    ...(tls?.forwardClientCertificate && { forwardClientCertificate: true }),
    ...(headers && compileListenerHeaders(headers)),
    ...(clientIPDetection && { clientIPDetection: compileDetection(clientIPDetection) }),
    ...(requestLimits && { requestLimits }),
    ...(timeouts && { timeouts: timer("requestReceivedMs", timeouts.requestReceived) }),
    ...(errorPages !== undefined && { errorPages }),
  };
}

function compileListenerHeaders({
  disableRateLimitHeaders,
  requestID,
  lateRequestHeaders,
  lateResponseHeaders,
}: NonNullable<NativeListener["headers"]>): Partial<SnapshotListener> {
  return {
    ...(disableRateLimitHeaders && { disableRateLimitHeaders }),
    ...(requestID === "PreserveOrGenerate" && { requestID }),
    ...(lateRequestHeaders && { lateRequestHeaders }),
    ...(lateResponseHeaders && { lateResponseHeaders }),
  };
}

function compileRoute(
  route: NativeRoute,
  listenerNames: readonly string[],
  policies: ReadonlyMap<string, NativeRateLimitPolicy>,
): SnapshotRoute {
  const wanted = new Set(route.listeners ?? listenerNames);
  return {
    name: route.name,
    ...(route.creationTimestamp !== undefined && { creationTimestamp: route.creationTimestamp }),
    listeners: listenerNames.filter((name) => wanted.has(name)),
    hostnames: canonicalHostnames(route.hostnames),
    rules: route.rules.map((rule, index) => {
      const id = ruleId(route, index);
      const placed = limitsOfRule(route, id, rule.rateLimit, policies);
      return { ...compileRule(rule, id, route.securityPolicy), ...compileRateLimits(placed, id) };
    }),
    ...(route.securityPolicy && { securityPolicy: compileSecurityPolicy(route.securityPolicy) }),
  };
}

function compileRule(rule: NativeRule, id: string, routePolicy: NativeRoute["securityPolicy"]): SnapshotRule {
  return {
    id,
    matches: rule.matches.length === 0 ? [everyPath] : rule.matches,
    ...(rule.priority === 0 ? {} : { priority: rule.priority }),
    filters: rule.filters,
    backendRefs: rule.backendRefs.map((ref) => ({
      backend: ref.name,
      weight: ref.weight,
      filters: ref.filters,
      ...(ref.fallback && { fallback: ref.fallback }),
      ...(!ref.sessionPersistence && { sessionPersistence: ref.sessionPersistence }),
      ...(ref.preferredEndpoint && { preferredEndpoint: placeId(ref.preferredEndpoint) }),
    })),
    ...compileRulePolicies(rule),
    timeouts: {
      ...timer("requestMs", rule.timeouts.request),
      ...timer("backendRequestMs", rule.timeouts.backendRequest),
      ...timer("streamIdleMs", rule.timeouts.streamIdle),
      ...timer("backendHeadMs", rule.timeouts.backendHead),
    },
    ...(rule.errorPages !== undefined && { errorPages: rule.errorPages }),
    ...(rule.counting.length > 0 && { counting: rule.counting }),
    ...(rule.securityPolicy && {
      securityPolicy: compileRuleSecurityPolicy(rule.securityPolicy, routePolicy),
    }),
  };
}

/** Gateway API: 0s switches a timeout off, as leaving it out does. */
function timer<K extends string>(key: K, duration: string | undefined): { [key in K]?: number } {
  const ms = duration === undefined ? 0 : durationMs(duration);
  return ms === 0 ? {} : ({ [key]: ms } as { [key in K]: number });
}

function canonicalAddress(address: string): string {
  return parseAddress(address)?.canonical ?? address;
}

function compileBackend(backend: NativeBackend): SnapshotBackend {
  const { active } = backend.healthCheck;
  const tunnel = tunnelOf(backend);
  return {
    name: backend.name,
    ...(tunnel === undefined ? {} : { tunnel }),
    protocol: backend.protocol,
    ...(backend.tls && { tls: compileBackendTls(backend.tls) }),
    ...timer("connectTimeoutMs", backend.timeout?.tcp?.connectTimeout),
    ...(backend.proxyProtocol && { proxyProtocol: backend.proxyProtocol }),
    ...(backend.portForward && { portForward: backend.portForward }),
    endpoints: backend.endpoints.map(({ address, port, weight, priority, zone, healthCheck, ...others }) => {
      return {
        id: placeId({ address, port }),
        address: canonicalAddress(address),
        port,
        weight,
        ...(priority ? { priority } : {}),
        ...(zone === undefined ? {} : { zone }),
        ...others,
        ...(healthCheck && { healthCheck: compileEndpointCheck(healthCheck) }),
      };
    }),
    loadBalancer: compileLoadBalancer(backend.loadBalancer),
    healthCheck: {
      ...(active && { active: compileHealthCheck(active, backend) }),
      ...compilePassiveHealth(backend.healthCheck),
    },
    ...compileBackendPolicies(backend),
  };
}

/** Lower case, each once. */
function canonicalHostnames(hostnames: readonly string[]): string[] {
  return [...new Set(hostnames.map((hostname) => hostname.toLowerCase()))];
}

function compareNames(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
