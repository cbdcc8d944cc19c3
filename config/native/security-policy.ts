// Access control as users write it: the blocks of contract/security-policy.ts, with durations as text.
import { z } from "zod";
import { durationSchema } from "#contract/duration.ts";
import {
  apiKeyAuthSchema,
  authorizationSchema,
  basicAuthSchema,
  clientNetworksSchema,
  jwtFields,
  jwtProviderFields,
  remoteJwksFields,
  requestLimitsSchema,
} from "#contract/security-policy.ts";
import { clientCertificateSchema } from "#contract/client-certificate-policy.ts";
import { extAuthFields } from "#contract/external-authorization.ts";

const jwtProviderSchema = z.strictObject({
  ...jwtProviderFields,
  remoteJWKS: z
    .strictObject({
      ...remoteJwksFields,
      cacheDuration: durationSchema
        .default("5m")
        .describe("How long keys are used before they are fetched again. Default: 5m."),
    })
    .optional()
    .describe("Keys, fetched from the issuer."),
  clockSkew: durationSchema
    .default("60s")
    .describe("How far the issuer's clock may be off, for `exp` and `nbf`. Default: 60s."),
});

export const securityPolicySchema = z
  .strictObject({
    clientCIDRs: clientNetworksSchema
      .optional()
      .describe("Clients, by their address; others are answered 403."),
    requestLimits: requestLimitsSchema.optional().describe("Bounds of a request."),
    clientCertificate: clientCertificateSchema
      .optional()
      .describe(
        "The certificate that the client has shown, at listeners with `frontendValidation` of mode AllowInsecureFallback.",
      ),
    apiKeyAuth: apiKeyAuthSchema.optional().describe("Requests need an API key, or are answered 401."),
    basicAuth: basicAuthSchema
      .optional()
      .describe("Requests need a name and a password (RFC 7617), or are answered 401."),
    jwt: z
      .strictObject({
        ...jwtFields,
        providers: z
          .array(jwtProviderSchema)
          .min(1)
          .max(8)
          .describe("Issuers of tokens, one of which must accept the token."),
      })
      .optional()
      .describe("Requests need a JSON Web Token (RFC 7519), or are answered 401."),
    authorization: authorizationSchema
      .optional()
      .describe("Who may do what; what is not allowed is answered 403."),
    extAuth: z
      .strictObject({
        ...extAuthFields,
        timeout: durationSchema
          .default("1s")
          .describe("Time the authorization server has to answer. Default: 1s."),
      })
      .optional()
      .describe("Asks another server about each request."),
  })
  .describe("Access control: all of these must let a request pass.");

export const ruleSecurityPolicySchema = z
  .strictObject({
    inherit: z
      .boolean()
      .default(true)
      .describe(
        "What this rule leaves out is as the route has it; false: only what stands here. Default: true.",
      ),
    ...securityPolicySchema.shape,
  })
  .describe("Access control of this rule; each block replaces the route's block of that name.");

export type NativeSecurityPolicy = z.output<typeof securityPolicySchema>;
export type NativeRuleSecurityPolicy = z.output<typeof ruleSecurityPolicySchema>;
