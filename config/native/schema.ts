// The native configuration, `isthmus.yaml`: Gateway API shapes for listeners and routes, Envoy Gateway's
// BackendTrafficPolicy names for backends. Types, validation, defaults and the JSON Schema all come from here.
import { z } from "zod";
import { countingSchema } from "#contract/counter.ts";
import { durationSchema } from "#contract/duration.ts";
import { errorPagesSchema } from "#contract/error-pages.ts";
import { filterSchema, hostnameSchema, routeMatchSchema } from "#contract/http-route.ts";
import { limits } from "#contract/limits.ts";
import {
  backendProtocolSchema,
  creationTimestampSchema,
  nameSchema,
  portSchema,
  prioritySchema,
} from "#contract/snapshot.ts";
import {
  endpointPlaceFields,
  hasBoundForItsParts,
  loadBalancerSchema,
  panicThresholdSchema,
  passiveHealthCheckSchema,
  protectionFields,
  streamIdleField,
  backendHeadField,
} from "./backend-policy.ts";
import { backendRefFields, preferredEndpointField, ruleNameField } from "./backend-ref.ts";
import { backendTimeoutSchema, backendTlsSchema } from "./backend-tls.ts";
import { nativeCounterTableSchema } from "./counter.ts";
import { activeHealthCheckSchema, endpointHealthCheckSchema, observeSchema } from "./health-check.ts";
import { sentProxyProtocolSchema, tcpRouteSchema, tlsRouteSchema } from "./layer-4.ts";
import { clientDetectionSchema } from "./client-detection.ts";
import { listenerSchema } from "./listener.ts";
import { rateLimitBlockSchema, rateLimitPolicySchema } from "./rate-limit.ts";
import { rulePolicyFields } from "./rule-policy.ts";
import { ruleSecurityPolicySchema, securityPolicySchema } from "./security-policy.ts";

export const backendRefSchema = z
  .strictObject({
    ...backendRefFields,
    filters: z
      .array(filterSchema)
      .max(16)
      .default([])
      .describe("Filters for the requests that go to this backend only."),
    fallback: z
      .boolean()
      .default(false)
      .describe(
        "Gets requests only while no endpoint of the other backends is up: healthy, not ejected, not taken out of service. Its weight counts among fallbacks. Default: false.",
      ),
    sessionPersistence: z
      .boolean()
      .default(true)
      .describe("False: clients that it serves are not bound to it by the rule's sessions. Default: true."),
    preferredEndpoint: preferredEndpointField,
  })
  .describe("A backend and its share of the traffic.");

export const ruleSchema = z
  .strictObject({
    name: ruleNameField,
    matches: z
      .array(routeMatchSchema)
      .max(limits.matchesPerRule)
      .default([])
      .describe("Alternatives, one of which must match. Default: every path."),
    priority: prioritySchema
      .default(0)
      .describe(
        "Rules of higher priority go first, whatever their matches; within one, the most specific. Default: 0.",
      ),
    filters: z
      .array(filterSchema)
      .max(16)
      .default([])
      .describe("What is changed on requests and responses, or the redirect that answers them."),
    backendRefs: z
      .array(backendRefSchema)
      .max(limits.backendRefsPerRule)
      .default([])
      .describe("Backends that share the rule's requests by weight."),
    timeouts: z
      .strictObject({
        request: durationSchema
          .optional()
          .describe("From the request's arrival to the end of the response. Default and 0s: unlimited."),
        backendRequest: durationSchema
          .optional()
          .describe("One attempt at one endpoint; at most `request`. Default and 0s: unlimited."),
        backendHead: backendHeadField,
        streamIdle: streamIdleField,
      })
      .default({})
      .describe("Time limits; beyond them the answer is 504."),
    ...rulePolicyFields,
    securityPolicy: ruleSecurityPolicySchema.optional(),
    rateLimit: rateLimitBlockSchema.optional().describe("How much of it; more is answered 429."),
    counting: z
      .array(countingSchema)
      .max(limits.countingPerRule)
      .default([])
      .describe("What is counted of these requests, in order."),
    errorPages: nameSchema
      .optional()
      .describe("Name of the pages for errors of this rule's requests. Default: those of the listener."),
  })
  .describe("Conditions, filters and backends of a part of a route's requests.");

export const routeSchema = z
  .strictObject({
    name: nameSchema.describe(
      "Unique among the routes. Of equal matches, the older route wins, then the first in alphabet.",
    ),
    creationTimestamp: creationTimestampSchema
      .optional()
      .describe(
        "When the route came to be, as the Kubernetes API server says. Default: after all that say it.",
      ),
    listeners: z
      .array(nameSchema)
      .min(1)
      .max(limits.listeners)
      .optional()
      .describe(
        "Names of the listeners whose traffic this route takes. Default: all HTTP and HTTPS listeners.",
      ),
    hostnames: z
      .array(hostnameSchema)
      .max(limits.hostnamesPerRoute)
      .default([])
      .describe("Hosts this route is for; `*.example.com` is every host below. Default: every host."),
    securityPolicy: securityPolicySchema.optional(),
    rateLimit: rateLimitBlockSchema
      .optional()
      .describe("Limits of each rule of this route, besides those of the rule itself."),
    rules: z
      .array(ruleSchema)
      .min(1)
      .max(limits.rulesPerRoute)
      .describe("What is done with these requests; the most specific match of the highest priority wins."),
  })
  .describe("Rules for the requests of some hosts, as in the Gateway API's HTTPRoute.");

export const endpointSchema = z
  .strictObject({
    address: z.string().min(1).max(255).describe("IPv4 or IPv6 address, or host name."),
    port: portSchema.describe("TCP port."),
    weight: z
      .int()
      .min(0)
      .max(65_535)
      .default(1)
      .describe("Share of the backend's requests, relative to the others. Default: 1. 0: none."),
    ...endpointPlaceFields,
    healthCheck: endpointHealthCheckSchema.optional(),
  })
  .refine(hasBoundForItsParts, {
    message: "expected maxConnections where minConnections or maxQueue is given",
  })
  .describe("One address of a backend.");

const portForwardSchema = z
  .strictObject({
    allow: z
      .array(z.union([z.literal("*"), nameSchema]))
      .min(1)
      .max(limits.forwardersPerBackend)
      .describe("Names of bearer tokens with the role forwarder; `*` is every one of them."),
  })
  .describe("Who may reach an endpoint with `isthmus forward tcp`. Default: nobody.");

export const backendSchema = z
  .strictObject({
    name: nameSchema.describe("Unique among the backends; rules refer to it."),
    tunnel: nameSchema
      .optional()
      .describe(
        "Tunnel whose agents dial these endpoints. Default: the gateway dials them itself, or under `isthmus serve` the agent that it starts for what a gateway cannot.",
      ),
    protocol: backendProtocolSchema
      .default("HTTP")
      .describe(
        "What the endpoints speak. HTTP and HTTPS: HTTP/1.1. H2C and H2: HTTP/2, without and with TLS. GRPC and GRPCS: gRPC over HTTP/2, without and with TLS; gRPC-Web is translated. TCP: whatever the connection carries; TLS: the same, in TLS from the gateway. Default: HTTP.",
      ),
    tls: backendTlsSchema.optional(),
    timeout: backendTimeoutSchema.optional(),
    proxyProtocol: sentProxyProtocolSchema.optional(),
    portForward: portForwardSchema.optional(),
    endpoints: z
      .array(endpointSchema)
      .max(limits.endpointsPerBackend)
      .default([])
      .describe("Addresses of the backend."),
    loadBalancer: loadBalancerSchema.default({ type: "RoundRobin" }).describe("Default: RoundRobin."),
    healthCheck: z
      .strictObject({
        active: activeHealthCheckSchema.optional(),
        passive: passiveHealthCheckSchema.optional(),
        observe: observeSchema.optional(),
        panicThreshold: panicThresholdSchema,
        closeConnectionsOnFailure: z
          .boolean()
          .optional()
          .describe(
            "TCP and TLS: connections to an endpoint that its checks find down are closed (Envoy `close_connections_on_host_health_failure`, HAProxy `on-marked-down shutdown-sessions`). Default: false.",
          ),
      })
      .default({})
      .describe("Which endpoints get requests. Default: all."),
    ...protectionFields,
  })
  .describe("A logical service: its endpoints and the policies for them.");

const namedErrorPagesSchema = z
  .strictObject({
    name: nameSchema.describe("Unique among the error pages; listeners and rules refer to it."),
    pages: errorPagesSchema.describe("Of several pages for one error the first counts."),
  })
  .describe("Pages for errors that the gateway answers itself.");

export const nativeConfigSchema = z
  .strictObject({
    $schema: z.string().max(1024).optional().describe("For editors; has no effect."),
    listeners: z
      .array(listenerSchema)
      .max(limits.listeners)
      .default([])
      .describe("Ports that accept traffic."),
    routes: z
      .array(routeSchema)
      .max(limits.routes)
      .default([])
      .describe("Which requests go to which backends."),
    tcpRoutes: z
      .array(tcpRouteSchema)
      .max(limits.tcpRoutes)
      .default([])
      .describe("Which connections of TCP listeners go to which backends."),
    tlsRoutes: z
      .array(tlsRouteSchema)
      .max(limits.tlsRoutes)
      .default([])
      .describe("Which connections of TLS listeners go to which backends, by server name."),
    backends: z
      .array(backendSchema)
      .max(limits.backends)
      .default([])
      .describe("Services that answer requests."),
    rateLimitPolicies: z
      .array(rateLimitPolicySchema)
      .max(limits.rateLimitPolicies)
      .default([])
      .describe("Rate limits that several routes and rules refer to."),
    counterTables: z
      .array(nativeCounterTableSchema)
      .max(limits.counterTables)
      .default([])
      .describe("Counters that rules count in, and that conditions and headers read."),
    errorPages: z
      .array(namedErrorPagesSchema)
      .max(limits.errorPages)
      .default([])
      .describe("Pages for errors of the gateway that several listeners and rules refer to."),
    clientIPDetection: clientDetectionSchema
      .default({})
      .describe("Whose word on the client's address counts. Default: nobody's, the peer is the client."),
    accessLog: z
      .strictObject({
        mode: z
          .enum(["off", "errors", "all"])
          .default("errors")
          .describe("Requests that are logged: none, those answered with an error of the gateway, or all."),
        format: z
          .enum(["JSON", "HTTPLog"])
          .default("JSON")
          .describe("One JSON object a line, or the HTTP log format of HAProxy. Default: JSON."),
      })
      .default({ mode: "errors", format: "JSON" })
      .describe("Default: errors."),
    tracing: z
      .strictObject({
        samplingRate: z
          .number()
          .min(0)
          .max(100)
          .default(100)
          .describe(
            "Percentage of the traces that begin here; one that a caller began goes on as the caller decided. Default: 100.",
          ),
        otlpEndpoint: z
          .url({ protocol: /^https?$/ })
          .max(2_048)
          .optional()
          .describe(
            "Where spans are sent (OTLP/HTTP, JSON), such as http://127.0.0.1:4318/v1/traces. Default: nowhere.",
          ),
      })
      .optional()
      .describe("W3C trace context for every request. Default: `traceparent` passes through as it is."),
  })
  .describe("Configuration of Isthmus.");

/** Keys of the top level that at most one of several files may set. */
export const settingKeys = ["clientIPDetection", "accessLog", "tracing"] as const;

/** As written by users and importers: defaults may be left out. */
export type NativeConfigInput = z.input<typeof nativeConfigSchema>;
/** Validated, with every default filled in. Paths of certificates are as written. */
export type NativeConfig = z.output<typeof nativeConfigSchema>;
export type NativeListener = NativeConfig["listeners"][number];
export type NativeRoute = NativeConfig["routes"][number];
export type NativeRule = NativeRoute["rules"][number];
export type NativeTcpRoute = NativeConfig["tcpRoutes"][number];
export type NativeTlsRoute = NativeConfig["tlsRoutes"][number];
export type NativeBackend = NativeConfig["backends"][number];
