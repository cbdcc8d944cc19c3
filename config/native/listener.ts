// Listeners of the native configuration: where traffic comes in, with which certificates, and how much of it at once.
import { z } from "zod";
import { headerModifierSchema } from "#contract/header-modifier.ts";
import { hostnameSchema } from "#contract/http-route.ts";
import { limits } from "#contract/limits.ts";
import { listenerLimitsSchema } from "#contract/security-policy.ts";
import { listenerProtocolSchema, nameSchema, portSchema, tlsModeSchema } from "#contract/snapshot.ts";
import { parseAddress } from "./address.ts";
import { certificateSchema, pemSchema } from "./certificate.ts";
import { clientDetectionSchema } from "./client-detection.ts";
import { connectionSchema } from "./connection-limits.ts";
import { durationField } from "./duration-field.ts";
import { acceptedProxyProtocolSchema } from "./layer-4.ts";

const frontendValidationSchema = z
  .strictObject({
    mode: z
      .enum(["AllowValidOnly", "AllowInsecureFallback"])
      .default("AllowValidOnly")
      .describe(
        "AllowValidOnly: no connection without a valid certificate. AllowInsecureFallback: clients without one are let in, and are nobody. Default: AllowValidOnly.",
      ),
    caFiles: z
      .array(z.string().min(1).max(4096))
      .min(1)
      .max(16)
      .optional()
      .describe("PEM files with the authorities whose certificates are valid; relative to this file."),
    caCertificates: pemSchema.optional().describe("In place of caFiles: the authorities themselves, PEM."),
    crlFiles: z
      .array(z.string().min(1).max(4096))
      .min(1)
      .max(16)
      .optional()
      .describe(
        "PEM files with lists of revoked certificates (CRL, RFC 5280), one of each authority in a client's chain; without a list in force of each, nobody is valid.",
      ),
    crls: pemSchema.optional().describe("In place of crlFiles: the lists themselves, PEM."),
  })
  .refine(({ crlFiles, crls }) => crlFiles === undefined || crls === undefined, {
    message: "expected crlFiles or crls, not both",
  })
  .refine(({ caFiles, caCertificates }) => (caFiles === undefined) !== (caCertificates === undefined), {
    message: "expected caFiles or caCertificates",
  })
  .describe(
    "Certificates of clients, for listeners that end TLS, under `isthmus serve`. Default: clients are asked for none.",
  );

export const listenerSchema = z
  .strictObject({
    name: nameSchema.describe("Unique among the listeners; routes refer to it."),
    protocol: listenerProtocolSchema.describe(
      "HTTP, or HTTPS: TLS ends at the gateway. TCP and TLS: connections as they are, for tcpRoutes and tlsRoutes.",
    ),
    port: portSchema.describe("TCP port that accepts connections."),
    addresses: z
      .array(
        z
          .string()
          .max(64)
          .refine((text) => parseAddress(text)?.kind === "ip", "expected an IP address of this machine"),
      )
      .min(1)
      .max(16)
      .optional()
      .describe(
        "Addresses of the machine that accept connections, under `isthmus serve`. Listeners of one port that name different ones are told apart. Default: every one; at those that another listener of the port names, the hosts that it leaves.",
      ),
    http2: z
      .boolean()
      .default(false)
      .describe(
        "HTTP listeners: HTTP/2 with prior knowledge (h2c), too, for gRPC without TLS, under `isthmus serve`. HTTPS has it by ALPN anyway. Default: false.",
      ),
    hostnames: z
      .array(hostnameSchema)
      .max(limits.hostnamesPerListener)
      .default([])
      .describe("Hosts that this listener serves; `*.example.com` is every host below. Default: every host."),
    tls: z
      .strictObject({
        mode: tlsModeSchema
          .default("Terminate")
          .describe("Whether TLS ends here, or passes through to the endpoints (TLS listeners only)."),
        certificates: z
          .array(certificateSchema)
          .max(limits.certificatesPerListener)
          .default([])
          .describe("Certificates among which the server picks by SNI; the first is the default."),
        frontendValidation: frontendValidationSchema.optional(),
        forwardClientCertificate: z
          .boolean()
          .optional()
          .describe(
            "Endpoints get the client's verified certificate in Client-Cert (RFC 9440). Default: false.",
          ),
      })
      .optional()
      .describe("TLS of an HTTPS or TLS listener. On Cloudflare the edge has the certificates."),
    proxyProtocol: acceptedProxyProtocolSchema.optional(),
    connection: connectionSchema.optional(),
    clientIPDetection: clientDetectionSchema
      .optional()
      .describe(
        "Whose word on the address of this listener's clients counts. Default: as for all listeners.",
      ),
    headers: z
      .strictObject({
        disableRateLimitHeaders: z
          .boolean()
          .optional()
          .describe(
            "Clients are not told of rate limits in RateLimit and RateLimit-Policy, which spares a response of its own; refusals keep Retry-After. Default: false.",
          ),
        requestID: z
          .enum(["Preserve", "PreserveOrGenerate"])
          .optional()
          .describe(
            "Preserve: an X-Request-ID that the client sends passes on. PreserveOrGenerate: requests without one get one, which is logged, too. Default: Preserve, unless all requests are logged or traced.",
          ),
        lateRequestHeaders: headerModifierSchema
          .optional()
          .describe(
            "Changes to all requests of the listener as endpoints see them, before the filters of their rules.",
          ),
        lateResponseHeaders: headerModifierSchema
          .optional()
          .describe(
            "Changes to all responses of the listener, the gateway's own included, after the filters of their rules.",
          ),
      })
      .optional()
      .describe("Headers of all requests and responses of the listener."),
    requestLimits: listenerLimitsSchema
      .optional()
      .describe("Bounds of every request, whichever route it is for."),
    timeouts: z
      .strictObject({
        requestReceived: durationField
          .optional()
          .describe(
            "Time for the whole request to arrive, its body included; beyond it the answer is 408. Default: unlimited.",
          ),
      })
      .optional()
      .describe("Time limits for clients."),
    errorPages: nameSchema
      .optional()
      .describe(
        "Name of the pages for errors that the gateway answers itself. Default: a problem document (RFC 9457).",
      ),
  })
  .describe("A port and protocol that accepts traffic.");
