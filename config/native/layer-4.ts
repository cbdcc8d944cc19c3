// Routes of connections in the native configuration: shapes of the Gateway API's TCPRoute and TLSRoute, and the PROXY
// protocol under Envoy Gateway's names (ClientTrafficPolicy at a listener, BackendTrafficPolicy at a backend).
import { z } from "zod";
import { connectionMatchesSchema, inspectionRuleSchema } from "#contract/connection-inspection.ts";
import { durationSchema } from "#contract/duration.ts";
import { clientCidrsSchema, hostnameSchema } from "#contract/http-route.ts";
import { limits } from "#contract/limits.ts";
import { clientNetworksSchema } from "#contract/security-policy.ts";
import { proxyProtocolVersionSchema } from "#contract/proxy-protocol-version.ts";
import { nameSchema } from "#contract/snapshot.ts";
import { backendRefFields, preferredEndpointField, ruleNameField } from "./backend-ref.ts";
import { durationField } from "./duration-field.ts";

export const acceptedProxyProtocolSchema = z
  .strictObject({
    optional: z
      .boolean()
      .default(false)
      .describe("Clients may also come without it. Then anyone can claim any address. Default: false."),
    trustedCIDRs: clientCidrsSchema
      .optional()
      .describe(
        "Networks of the proxies. Who comes from elsewhere is a client, and what it says of itself is part of its requests. Default: every client is a proxy.",
      ),
  })
  .describe(
    "Clients of this listener are proxies, which begin with the PROXY protocol (v1 or v2): the client is whom they name, for everything. On HTTP and HTTPS listeners under `isthmus serve`.",
  );

export const sentProxyProtocolSchema = z
  .strictObject({
    version: proxyProtocolVersionSchema.describe("V1: a line of text. V2: a binary header."),
  })
  .describe(
    "Connections to the endpoints begin with the client's address. Those that carry requests are then shared by the requests of one connection of a client only, and opened by an agent.",
  );

const connectionRuleSchema = z
  .strictObject({
    name: ruleNameField,
    backendRefs: z
      .array(
        z
          .strictObject({ ...backendRefFields, preferredEndpoint: preferredEndpointField })
          .describe("A backend and its share of the connections."),
      )
      .max(limits.backendRefsPerRule)
      .default([])
      .describe("Backends that share the connections by weight."),
    timeouts: z
      .strictObject({
        connect: durationField
          .default("10s")
          .describe("For one attempt to connect to one endpoint. Default: 10s."),
        idle: durationSchema
          .default("1h")
          .describe("Without a byte in either direction, the connection ends. Default: 1h. 0s: unlimited."),
      })
      .default({ connect: "10s", idle: "1h" })
      .describe("Time limits."),
    maxConnectAttempts: z
      .int()
      .min(1)
      .max(limits.connectAttempts)
      .default(3)
      .describe("Endpoints that are tried before a connection is given up. Default: 3."),
  })
  .describe("Where the connections go.");

const { name, ...otherRuleFields } = connectionRuleSchema.shape;

const inspectedRuleSchema = z
  .strictObject({
    name,
    matches: connectionMatchesSchema
      .default([])
      .describe("Alternatives, one of which holds. Default: every connection."),
    ...otherRuleFields,
  })
  .describe("Where some connections go.");

export const inspectionSchema = z
  .strictObject({
    timeout: durationSchema
      .default("10s")
      .describe("Longest wait for bytes that decide (Envoy `listener_filters_timeout`). Default: 10s."),
    rules: z
      .array(inspectionRuleSchema)
      .max(limits.rulesPerRoute)
      .default([])
      .describe(
        "In order; the first that holds ends the wait, and one that more bytes may decide waits for them. Default: the wait ends when it is known which rule of the route takes the connection.",
      ),
  })
  .describe(
    "How the bytes that connections begin with are looked at. Default: as far as rules ask for them.",
  );

const connectionRouteFields = {
  securityPolicy: z
    .strictObject({
      clientCIDRs: clientNetworksSchema.describe("Clients, by their address; others are disconnected."),
    })
    .optional()
    .describe("Who may connect. Default: everyone."),
};

export const tcpRouteSchema = z
  .strictObject({
    name: nameSchema.describe("Unique among the tcpRoutes."),
    listeners: z
      .array(nameSchema)
      .min(1)
      .max(limits.listeners)
      .describe("Names of TCP listeners, or of TLS listeners whose TLS ends here."),
    ...connectionRouteFields,
    inspection: inspectionSchema.optional(),
    rules: z
      .array(inspectedRuleSchema)
      .min(1)
      .max(limits.rulesPerRoute + 1)
      .describe("In order; connections go where the first rule says that takes them."),
  })
  .describe("All connections of some listeners, as in the Gateway API's TCPRoute.");

export const tlsRouteSchema = z
  .strictObject({
    name: nameSchema.describe("Unique among the tlsRoutes."),
    listeners: z
      .array(nameSchema)
      .min(1)
      .max(limits.listeners)
      .optional()
      .describe("Names of TLS listeners. Default: all of them."),
    hostnames: z
      .array(hostnameSchema)
      .max(limits.hostnamesPerRoute)
      .default([])
      .describe(
        "Server names (SNI) this route is for; `*.example.com` is every name below, the most specific wins. Default: every name, and none.",
      ),
    ...connectionRouteFields,
    // As in the Gateway API: beyond the server name there is nothing that a second rule could tell apart.
    rules: z.array(connectionRuleSchema).length(1).describe("The one rule."),
  })
  .describe("The TLS connections for some server names, as in the Gateway API's TLSRoute.");
