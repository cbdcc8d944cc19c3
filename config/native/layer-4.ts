// Routes of connections in the native configuration: shapes of the Gateway API's TCPRoute and TLSRoute, and the PROXY
// protocol under Envoy Gateway's names (ClientTrafficPolicy at a listener, BackendTrafficPolicy at a backend).
import { z } from "zod";
import { durationSchema } from "#contract/duration.ts";
import { clientCidrsSchema, hostnameSchema } from "#contract/http-route.ts";
import { limits } from "#contract/limits.ts";
import { clientNetworksSchema } from "#contract/security-policy.ts";
import { proxyProtocolVersionSchema } from "#contract/proxy-protocol-version.ts";
import { nameSchema } from "#contract/snapshot.ts";
import { backendRefFields, ruleNameField } from "./backend-ref.ts";
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
  .describe("Connections to the endpoints begin with the client's address. For protocol TCP and TLS only.");

const connectionRuleSchema = z
  .strictObject({
    name: ruleNameField,
    backendRefs: z
      .array(z.strictObject(backendRefFields).describe("A backend and its share of the connections."))
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

const connectionRouteFields = {
  securityPolicy: z
    .strictObject({
      clientCIDRs: clientNetworksSchema.describe("Clients, by their address; others are disconnected."),
    })
    .optional()
    .describe("Who may connect. Default: everyone."),
  // As in the Gateway API: connections have nothing that a second rule could tell apart.
  rules: z.array(connectionRuleSchema).length(1).describe("The one rule."),
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
  })
  .describe("The TLS connections for some server names, as in the Gateway API's TLSRoute.");
