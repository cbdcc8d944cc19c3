// What a rule asks of the certificate that a client has shown in the handshake (ingress-nginx's `auth-tls-*`, nginx's
// `ssl_verify_client`): without it a request is answered rather than its connection refused.
import { z } from "zod";
import { headerNameSchema } from "./http-field.ts";
import { patternSchema } from "./pattern/pattern-schema.ts";
import { remoteUriSchema } from "./remote-uri.ts";

export const clientCertificateSchema = z.strictObject({
  mode: z
    .enum(["AllowValidOnly", "AllowValidOrNone", "AllowInsecureFallback"])
    .default("AllowValidOnly")
    .describe(
      "AllowValidOnly: requests without a valid certificate are answered 400. AllowValidOrNone: only those with one that is not valid. AllowInsecureFallback: all pass. Default: AllowValidOnly.",
    ),
  subject: patternSchema
    .optional()
    .describe(
      "Regular expression that the whole distinguished name of the subject matches (RFC 2253, such as `CN=web,O=Example`); others are answered 403. Default: any.",
    ),
  redirect: remoteUriSchema.optional().describe("Where clients are sent, with 302, in place of the 400."),
  headers: z
    .strictObject({
      certificate: headerNameSchema.optional().describe("PEM of the certificate, percent-encoded."),
      verification: headerNameSchema.optional().describe("`SUCCESS`, `FAILED:` with the reason, or `NONE`."),
      subject: headerNameSchema.optional().describe("Distinguished name of the subject (RFC 2253)."),
      issuer: headerNameSchema.optional().describe("Distinguished name of the issuer."),
    })
    .optional()
    .describe(
      "Headers that tell the endpoint; what clients send under these names is dropped. Default: none.",
    ),
});

export type ClientCertificatePolicy = z.infer<typeof clientCertificateSchema>;
