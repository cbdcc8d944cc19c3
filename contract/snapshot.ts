// The snapshot: compiled, immutable, content-hashed configuration that gateways and agents run.
// `config/compile.ts` makes it, `control/` stores it, `worker/` and `origin-agent/` run it.
import { z } from "zod";
import { clientDetectionSchema } from "./client-detection.ts";
import {
  circuitBreakerSchema,
  consistentHashSchema,
  endpointConnectionsSchema,
  endpointCookieValueSchema,
  endpointQueueSchema,
  hashIdSchema,
  hedgingSchema,
  keySourceSchema,
  leastRequestSchema,
  loadSheddingSchema,
  observeSchema,
  passiveHealthCheckSchema,
  retryConstraintSchema,
  retrySchema,
  sessionPersistenceSchema,
  slowStartSchema,
  zoneAwareSchema,
} from "./backend-policy.ts";
import { canonicalHash, canonicalJson } from "./canonical-json.ts";
import { compressionSchema } from "./compression.ts";
import { counterTableSchema, countingSchema } from "./counter.ts";
import { backendTlsSchema } from "./backend-tls.ts";
import { activeHealthCheckSchema, endpointHealthCheckSchema } from "./active-health-check.ts";
import { connectionMatchesSchema, inspectionRuleSchema } from "./connection-inspection.ts";
import { connectionLimitsSchema } from "./connection-limits.ts";
import { errorPagesSchema } from "./error-pages.ts";
import { headerModifierSchema } from "./header-modifier.ts";
import { clientCidrsSchema, filterSchema, hostnameSchema, routeMatchSchema } from "./http-route.ts";
import { limits } from "./limits.ts";
import { proxyProtocolVersionSchema } from "./proxy-protocol-version.ts";
import { ruleConcurrencyLimitSchema, ruleRateLimitSchema } from "./rate-limit.ts";
import { clientNetworksSchema, listenerLimitsSchema, securityPolicySchema } from "./security-policy.ts";

/** Names of listeners, routes, backends, tunnels: what a Kubernetes object name allows, plus `/` between several. */
export const nameSchema = z
  .string()
  .max(limits.nameChars)
  .regex(/^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$/, "expected letters, digits, '-', '.', '_' or '/'");

export const portSchema = z.int().min(1).max(65_535);

export const listenerProtocolSchema = z.enum(["HTTP", "HTTPS", "TCP", "TLS"]);

/** Gateway API `tls.mode`: TLS ends at the gateway, or passes through to the endpoint. */
export const tlsModeSchema = z.enum(["Terminate", "Passthrough"]);

/**
 * What an endpoint speaks: HTTP/1.1, plain or in TLS; HTTP/2 with prior knowledge, or in TLS (ALPN `h2`); gRPC over
 * HTTP/2, plain or in TLS; or bytes in which the gateway does not look, plain or in TLS of its own.
 */
export const backendProtocolSchema = z.enum(["HTTP", "HTTPS", "H2C", "H2", "GRPC", "GRPCS", "TCP", "TLS"]);

export const snapshotListenerSchema = z.strictObject({
  name: nameSchema,
  protocol: listenerProtocolSchema,
  port: portSchema,
  /** Addresses of the machine that accept connections. Absent: every one. */
  addresses: z.array(z.string().max(64)).min(1).max(16).optional(),
  /** HTTP listeners: HTTP/2 by prior knowledge, too. Absent: HTTP/1.1 alone. */
  http2: z.literal(true).optional(),
  /** Empty: every host. */
  hostnames: z.array(hostnameSchema).max(64),
  /** Of a TLS listener, and of no other. */
  tlsMode: tlsModeSchema.optional(),
  /** The PROXY protocol, with which clients begin, or those of some networks. Absent: they do not. */
  proxyProtocol: z
    .strictObject({ optional: z.boolean(), trustedCIDRs: clientCidrsSchema.optional() })
    .optional(),
  /** Absent: as many connections as come. */
  connection: connectionLimitsSchema.optional(),
  /** True: endpoints get the client's verified certificate (RFC 9440). */
  forwardClientCertificate: z.literal(true).optional(),
  /** True: clients are told of rate limits when they are refused, and only how long to wait. */
  disableRateLimitHeaders: z.literal(true).optional(),
  /** Requests without an id get one. Absent: those that clients send pass. */
  requestID: z.literal("PreserveOrGenerate").optional(),
  /** Of requests as endpoints see them, before the filters of their rules. */
  lateRequestHeaders: headerModifierSchema.optional(),
  /** Of every response, after the filters of its rule. */
  lateResponseHeaders: headerModifierSchema.optional(),
  /** Absent: as for the whole gateway. */
  clientIPDetection: clientDetectionSchema.optional(),
  requestLimits: listenerLimitsSchema.optional(),
  /** Absent: no timer is armed. */
  timeouts: z.strictObject({ requestReceivedMs: z.int().positive().optional() }).optional(),
  /** Name of error pages of this snapshot. Absent: errors have the gateway's own answers. */
  errorPages: nameSchema.optional(),
});

export const snapshotBackendRefSchema = z.strictObject({
  /** Name of a backend of this snapshot. `null`: the reference is invalid, its share of the weight is answered 500. */
  backend: nameSchema.nullable(),
  weight: z.int().min(0).max(1_000_000),
  filters: z.array(filterSchema).max(16),
  /** Only while no backend of the others has an endpoint that is up. */
  fallback: z.literal(true).optional(),
  /** False: the rule's sessions bind nobody to it. */
  sessionPersistence: z.literal(false).optional(),
  /** Id of the endpoint that gets all of these requests while it is up, whatever its weight. */
  preferredEndpoint: z.string().optional(),
});

/** Rank of a rule among all rules of a host (Traefik `priority`). */
export const prioritySchema = z.int().min(-1_000_000).max(1_000_000);

export const snapshotRuleSchema = z.strictObject({
  /** Stable within the snapshot: `<route>/<index>`, or `<route>/<rule name>`. */
  id: z.string(),
  matches: z.array(routeMatchSchema).min(1).max(limits.matchesPerRule),
  /** Rules of a higher one go first, whatever their matches. Absent: 0. */
  priority: prioritySchema.optional(),
  filters: z.array(filterSchema).max(16),
  backendRefs: z.array(snapshotBackendRefSchema).max(limits.backendRefsPerRule),
  /** Clients stay with their backend while its weight grows. Absent: each request is drawn anew. */
  stickySplit: keySourceSchema.optional(),
  /** Clients stay with their endpoint. */
  sessionPersistence: sessionPersistenceSchema.optional(),
  /** Absent: one more attempt, on another endpoint, when the first could not be reached. */
  retry: retrySchema.optional(),
  /** Absent: no timer is armed. */
  timeouts: z.strictObject({
    requestMs: z.int().positive().optional(),
    backendRequestMs: z.int().positive().optional(),
    /** Between two pieces of a response's body. */
    streamIdleMs: z.int().positive().optional(),
    /** Until the head of an endpoint's response to a request without body (HAProxy `timeout server`). */
    backendHeadMs: z.int().positive().optional(),
  }),
  /** In place of the route's, as a whole. */
  securityPolicy: securityPolicySchema.optional(),
  /** Absent: none. */
  rateLimits: z.array(ruleRateLimitSchema).max(limits.limitsPerRule).optional(),
  concurrencyLimits: z.array(ruleConcurrencyLimitSchema).max(limits.limitsPerRule).optional(),
  /** Absent: nothing. */
  counting: z.array(countingSchema).max(limits.countingPerRule).optional(),
  /** In place of the listener's. */
  errorPages: nameSchema.optional(),
  /** Absent: bodies pass as they come. */
  compression: compressionSchema.optional(),
});

/** RFC 3339 in UTC, to the second, as the Kubernetes API server writes it; in this form text order is that of time. */
export const creationTimestampSchema = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, "expected a time such as 2026-01-31T12:00:00Z");

export const snapshotRouteSchema = z.strictObject({
  name: nameSchema,
  /** Of equal matches the older route wins; one without comes last. */
  creationTimestamp: creationTimestampSchema.optional(),
  /** Names of listeners of this snapshot. */
  listeners: z.array(nameSchema),
  /** Empty: every host of the listener. */
  hostnames: z.array(hostnameSchema),
  securityPolicy: securityPolicySchema.optional(),
  rules: z.array(snapshotRuleSchema).max(limits.rulesPerRoute),
});

/** What becomes of connections. */
export const connectionRuleSchema = z.strictObject({
  /** Stable within the snapshot: `<route>/<index>`, or `<route>/<rule name>`. */
  id: z.string(),
  backendRefs: z.array(snapshotBackendRefSchema.omit({ filters: true })).max(limits.backendRefsPerRule),
  timeouts: z.strictObject({
    /** For one attempt to connect to one endpoint. */
    connectMs: z.int().positive(),
    /** Without a byte in either direction. Absent: no timer is armed. */
    idleMs: z.int().positive().optional(),
  }),
  /** Endpoints that are tried, one after the other, before a connection is given up. */
  maxConnectAttempts: z.int().min(1).max(limits.connectAttempts),
});

/** Connections that are told apart by what they begin with. */
export const inspectionSchema = z.strictObject({
  /** Longest wait for bytes that decide (Envoy `listener_filters_timeout`). 0: nothing is waited for. */
  timeoutMs: z.int().min(0),
  /** In order; the first that holds ends the wait. */
  rules: z.array(inspectionRuleSchema).max(limits.rulesPerRoute),
  /** Where connections go, in order, before those that none of them takes are the route's `rule`'s. */
  choices: z
    .array(z.strictObject({ ...connectionRuleSchema.shape, matches: connectionMatchesSchema.min(1) }))
    .max(limits.rulesPerRoute),
});

/** Gateway API TCPRoute: every connection of its listeners. */
export const tcpRouteSchema = z.strictObject({
  name: nameSchema,
  /** Names of listeners of this snapshot. */
  listeners: z.array(nameSchema),
  clientCIDRs: clientNetworksSchema.optional(),
  /** Absent: no byte is waited for. */
  inspection: inspectionSchema.optional(),
  /** Without backendRefs its connections are closed. */
  rule: connectionRuleSchema,
});

/** Gateway API TLSRoute: the connections of its listeners whose server name is one of the hosts. */
export const tlsRouteSchema = z.strictObject({
  ...tcpRouteSchema.omit({ inspection: true }).shape,
  /** Empty: every name, and none at all. */
  hostnames: z.array(hostnameSchema),
});

export const endpointSchema = z.strictObject({
  /** `<address>:<port>`, IPv6 in brackets; unique within the backend. */
  id: z.string(),
  address: z.string(),
  port: portSchema,
  weight: z.int().min(0).max(65_535),
  /** 0 (absent) is preferred; endpoints of the next level help out as far as those before are not enough. */
  priority: z.int().min(0).max(127).optional(),
  /** HAProxy's number of the server, which places it on the ring of `hashType`. Absent: its position, from 1. */
  hashId: hashIdSchema.optional(),
  /** What texts call it. Absent: by its id. */
  name: z.string().min(1).max(256).optional(),
  /** What session cookies call it, where those name endpoints. */
  cookie: endpointCookieValueSchema.optional(),
  /** Requests, or connections of layer 4, that it has at the same time; others wait (decision 0029). Absent: no bound. */
  maxConnections: endpointConnectionsSchema.optional(),
  /** The same while the backend has few; absent: `maxConnections` always. */
  minConnections: endpointConnectionsSchema.optional(),
  /** Requests bound to it that wait for it. Absent: no bound of its own. */
  maxQueue: endpointConnectionsSchema.optional(),
  /** Where it runs, in the words the gateway's own zone is named in. */
  zone: z.string().max(253).optional(),
  /** Where its check differs from the backend's. Absent: nowhere. */
  healthCheck: endpointHealthCheckSchema.optional(),
});

export const loadBalancerSchema = z.strictObject({
  type: z.enum(["RoundRobin", "LeastRequest", "Random", "ConsistentHash", "PeakEWMA"]),
  consistentHash: consistentHashSchema.optional(),
  leastRequest: leastRequestSchema.optional(),
  slowStart: slowStartSchema.optional(),
  zoneAware: zoneAwareSchema.optional(),
  /** Envoy `overprovisioning_factor`, in percent: how much of a priority level may be down before the next one helps. */
  overprovisioningFactor: z.int().min(100).max(1_000_000).optional(),
});

/** Whom a backend's endpoints may be forwarded to (`isthmus forward tcp`, decision 0015). */
export const portForwardSchema = z.strictObject({
  /** Names of tokens with the role `forwarder`; `*`: each of them. */
  allow: z.array(z.union([z.literal("*"), nameSchema])).max(limits.forwardersPerBackend),
});

export const snapshotBackendSchema = z.strictObject({
  name: nameSchema,
  /** Name of the tunnel whose agents dial these endpoints, or {@link ownTunnel}. Absent: the gateway dials them. */
  tunnel: nameSchema.optional(),
  /** Absent: to nobody. */
  portForward: portForwardSchema.optional(),
  protocol: backendProtocolSchema,
  /** Where an agent dials. Absent: verified against the endpoint's address, if the protocol has TLS. */
  tls: backendTlsSchema.optional(),
  /** Longest wait for a connection to an endpoint; of an agent, TLS included. Absent: the agent's own, of a gateway none. */
  connectTimeoutMs: z.int().positive().optional(),
  /** The PROXY protocol that each connection to an endpoint begins with. Absent: none. Where it carries requests agents dial. */
  proxyProtocol: z.strictObject({ version: proxyProtocolVersionSchema }).optional(),
  endpoints: z.array(endpointSchema).max(limits.endpointsPerBackend),
  loadBalancer: loadBalancerSchema,
  healthCheck: z.strictObject({
    active: activeHealthCheckSchema.optional(),
    passive: passiveHealthCheckSchema.optional(),
    observe: observeSchema.optional(),
    /** Percentage of healthy endpoints below which health is ignored. Absent or 0: never. */
    panicThreshold: z.int().min(0).max(100).optional(),
    /** Connections of layer 4 to an endpoint that checks find down are closed. Absent: they go on. */
    closeConnectionsOnFailure: z.boolean().optional(),
  }),
  /** How requests wait for endpoints that have a bound. Absent: as long as it takes. */
  queue: endpointQueueSchema.optional(),
  circuitBreaker: circuitBreakerSchema.optional(),
  loadShedding: loadSheddingSchema.optional(),
  retryConstraint: retryConstraintSchema.optional(),
  hedging: hedgingSchema.optional(),
});

export const snapshotSettingsSchema = z.strictObject({
  clientIPDetection: clientDetectionSchema,
  accessLog: z.strictObject({
    mode: z.enum(["off", "errors", "all"]),
    /** HTTPLog: HAProxy's HTTP log format. Absent: JSON. */
    format: z.enum(["JSON", "HTTPLog"]).optional(),
  }),
  /** Absent: `traceparent` passes through as it is. */
  tracing: z
    .strictObject({
      /** Percentage of the traces that begin here. */
      samplingRate: z.number().min(0).max(100),
      /** Where spans are posted (OTLP/HTTP, JSON). Absent: traces are propagated only. */
      otlpEndpoint: z
        .url({ protocol: /^https?$/ })
        .max(2_048)
        .optional(),
    })
    .optional(),
});

/** Pages that listeners and rules refer to; of several for one error the first counts. */
export const namedErrorPagesSchema = z.strictObject({ name: nameSchema, pages: errorPagesSchema });

export const snapshotSchema = z.strictObject({
  format: z.literal(1),
  listeners: z.array(snapshotListenerSchema).max(limits.listeners),
  routes: z.array(snapshotRouteSchema).max(limits.routes),
  /** Absent: none. */
  tcpRoutes: z.array(tcpRouteSchema).max(limits.tcpRoutes).optional(),
  tlsRoutes: z.array(tlsRouteSchema).max(limits.tlsRoutes).optional(),
  backends: z.array(snapshotBackendSchema).max(limits.backends),
  /** Absent: none. */
  errorPages: z.array(namedErrorPagesSchema).max(limits.errorPages).optional(),
  counterTables: z.array(counterTableSchema).max(limits.counterTables).optional(),
  settings: snapshotSettingsSchema,
});

/** A snapshot with its name. `hash` is `sha256:` and the lower-case hex digest of the canonical JSON of `snapshot`. */
export const versionedSnapshotSchema = z.strictObject({
  /** Counts up from 1 with every publish and rollback; a holder ignores any version at or below its own. */
  version: z.int().positive(),
  hash: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  snapshot: snapshotSchema,
});

export type SnapshotListener = z.infer<typeof snapshotListenerSchema>;
export type SnapshotRoute = z.infer<typeof snapshotRouteSchema>;
export type SnapshotRule = z.infer<typeof snapshotRuleSchema>;
export type SnapshotBackendRef = z.infer<typeof snapshotBackendRefSchema>;
export type SnapshotBackend = z.infer<typeof snapshotBackendSchema>;
export type SnapshotSettings = z.infer<typeof snapshotSettingsSchema>;
export type NamedErrorPages = z.infer<typeof namedErrorPagesSchema>;
export type TcpRoute = z.infer<typeof tcpRouteSchema>;
export type ConnectionInspection = z.infer<typeof inspectionSchema>;
export type TlsRoute = z.infer<typeof tlsRouteSchema>;
export type ConnectionRule = z.infer<typeof connectionRuleSchema>;
export type BackendProtocol = z.infer<typeof backendProtocolSchema>;
export type Endpoint = z.infer<typeof endpointSchema>;
export type ActiveHealthCheck = z.infer<typeof activeHealthCheckSchema>;
export type LoadBalancer = z.infer<typeof loadBalancerSchema>;
export type Snapshot = z.infer<typeof snapshotSchema>;
export type VersionedSnapshot = z.infer<typeof versionedSnapshotSchema>;

/** Of the agent that `isthmus serve` starts by itself (decision 0013). No configuration names it. */
export const ownTunnel = "isthmus-serve";

/** Whether the gateway, or the agent, opens TLS to the endpoints. */
export function speaksTls(protocol: BackendProtocol): boolean {
  return protocol === "HTTPS" || protocol === "H2" || protocol === "GRPCS" || protocol === "TLS";
}

/** The same protocol with TLS, or without. */
export function withTls(protocol: BackendProtocol, tls: boolean): BackendProtocol {
  const pair = tlsPairs.find((names) => names.includes(protocol))!;
  return pair[tls ? 1 : 0];
}

const tlsPairs: readonly (readonly [BackendProtocol, BackendProtocol])[] = [
  ["HTTP", "HTTPS"],
  ["H2C", "H2"],
  ["GRPC", "GRPCS"],
  ["TCP", "TLS"],
];

/** Whether requests go out over HTTP/2, which only agents speak (decision 0012). */
export function speaksHttp2(protocol: BackendProtocol): boolean {
  return protocol === "H2C" || protocol === "H2" || protocol === "GRPC" || protocol === "GRPCS";
}

/** Whether a listener or backend takes connections as they are, for TCP and TLS routes, and no requests. */
export function isLayer4({ protocol }: { readonly protocol: BackendProtocol }): boolean {
  return protocol === "TCP" || protocol === "TLS";
}

/** Whether TLS of clients ends at the listener, which then needs certificates. */
export function endsTls(listener: {
  readonly protocol: SnapshotListener["protocol"];
  readonly tlsMode?: "Terminate" | "Passthrough" | undefined;
}): boolean {
  return listener.protocol === "HTTPS" || (listener.protocol === "TLS" && listener.tlsMode !== "Passthrough");
}

/** Key of one endpoint across the system: health, counters and administration are kept under it. */
export function endpointKey(backend: string, endpointId: string): string {
  return `${backend}|${endpointId}`;
}

/** `sha256:<hex>` of the canonical JSON of a snapshot. */
export function snapshotHash(snapshot: Snapshot): Promise<string> {
  return canonicalHash(canonicalJson(snapshot));
}
