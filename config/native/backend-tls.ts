// How endpoints are reached: TLS towards them under the names of the Gateway API's BackendTLSPolicy and of Envoy Gateway's
// Backend, and the time that a connection may take.
import { z } from "zod";
import { subjectAltNameSchema } from "#contract/backend-tls.ts";
import { preciseHostnameSchema } from "#contract/http-route.ts";
import { limits } from "#contract/limits.ts";
import { certificateSchema, pemSchema } from "./certificate.ts";
import { durationField } from "./duration-field.ts";

const authorities = ["caFiles", "caCertificates", "wellKnownCACertificates"] as const;

export const backendTlsSchema = z
  .strictObject({
    hostname: preciseHostnameSchema
      .optional()
      .describe(
        "Server name that is asked for (SNI), and that the certificate must be for. Default: the endpoint's address.",
      ),
    subjectAltNames: z
      .array(subjectAltNameSchema)
      .min(1)
      .max(limits.subjectAltNames)
      .optional()
      .describe("The certificate must carry one of these; its host name then counts no more."),
    caFiles: z
      .array(z.string().min(1).max(4096))
      .min(1)
      .max(16)
      .optional()
      .describe(
        "PEM files with the authorities that certificates must descend from; relative to this file, and with a tunnel to the agent's --tls-dir.",
      ),
    caCertificates: pemSchema.optional().describe("In place of caFiles: the authorities themselves, PEM."),
    wellKnownCACertificates: z
      .literal("System")
      .optional()
      .describe("In place of caFiles: the authorities that the system trusts. Default: System."),
    clientCertificate: certificateSchema
      .optional()
      .describe(
        "Certificate that is shown to endpoints which ask for one. With a tunnel: files in the agent's --tls-dir.",
      ),
    insecureSkipVerify: z
      .boolean()
      .optional()
      .describe("Any certificate will do: whoever is in between can read and write. Default: false."),
  })
  .refine((tls) => authorities.filter((field) => tls[field] !== undefined).length <= 1, {
    message: "expected one of caFiles, caCertificates and wellKnownCACertificates",
  })
  .refine(
    (tls) =>
      !tls.insecureSkipVerify ||
      (tls.subjectAltNames === undefined && authorities.every((field) => tls[field] === undefined)),
    { message: "expected no authorities and no subjectAltNames where insecureSkipVerify is true" },
  )
  .describe(
    "TLS towards the endpoints, for the protocols HTTPS, H2, GRPCS and TLS. Default: verified against the address.",
  );

export const backendTimeoutSchema = z
  .strictObject({
    tcp: z
      .strictObject({
        connectTimeout: durationField
          .optional()
          .describe(
            "Longest wait for a connection to an endpoint; where an agent dials, TLS included. Default: an agent waits 5s, the gateway itself as long as the system lets it.",
          ),
      })
      .optional()
      .describe("Of connections."),
  })
  .describe("Time limits of the way to the endpoints.");
