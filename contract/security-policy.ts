// Access control of routes and rules as the snapshot carries it. Names of Envoy Gateway's SecurityPolicy and, where that
// has none, of Istio's AuthorizationPolicy; durations in milliseconds (`timeout: 1s` becomes `timeoutMs: 1000`).
// Nothing in here is a secret: passwords and API keys are hashes, keys of tokens are public ones.
import { z } from "zod";
import {
  authorizationSchema,
  cidrsSchema,
  claimNameSchema as claimName,
  policyNameSchema as name,
  policyTextSchema as text,
} from "./authorization.ts";
import { clientCertificateSchema } from "./client-certificate-policy.ts";
import { extAuthSchema } from "./external-authorization.ts";
import { headerNameSchema as header } from "./http-field.ts";
import { remoteUriSchema } from "./remote-uri.ts";

export { authorizationSchema } from "./authorization.ts";
export type { Authorization, AuthorizationRule, RequestRule } from "./authorization.ts";

/** Printable, so that it can stand in a header. */
const headerText = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[\x21-\x7e]+( [\x21-\x7e]+)*$/, "expected printable ASCII");

// --- who may ask at all -----------------------------------------------------------------------------------------------

export const clientNetworksSchema = z.strictObject({
  allow: cidrsSchema.default([]).describe("Only clients of these networks. Default: every client."),
  deny: cidrsSchema.default([]).describe("No clients of these networks, even if `allow` has them."),
});

export const requestLimitsSchema = z.strictObject({
  bodyBytes: z
    .int()
    .min(0)
    .max(1_099_511_627_776)
    .describe("Longest request body, in bytes; a longer one is answered 413."),
});

/** Limits of a listener: they hold before it is known which route a request is for. */
export const listenerLimitsSchema = z.strictObject({
  urlChars: z
    .int()
    .min(64)
    .max(16_384)
    .optional()
    .describe("Longest URL, in characters; a longer one is answered 414. Default: 16384."),
  headerBytes: z
    .int()
    .min(256)
    .max(1_048_576)
    .optional()
    .describe(
      "Longest headers together, in bytes; longer ones are answered 431. Default: the platform's, about 64 KiB.",
    ),
});

// --- who asks ---------------------------------------------------------------------------------------------------------

export const apiKeyAuthSchema = z.strictObject({
  credentials: z
    .array(
      z.strictObject({
        clientID: headerText.describe("Who has the key; several keys may have one clientID."),
        // Its form is a semantic check: a finding of the schema would show a key that was put here by mistake.
        sha256: z
          .string()
          .max(1024)
          .describe(
            "SHA-256 of the key, in hex. Keys must be random: a hash does not protect a guessable one.",
          ),
      }),
    )
    .min(1)
    .max(10_000)
    .describe("Keys that are accepted."),
  extractFrom: z
    .strictObject({
      headers: z.array(header).max(8).default([]).describe("Headers that may carry the key."),
      params: z.array(text).max(8).default([]).describe("Query parameters that may carry it."),
      cookies: z.array(header).max(8).default([]).describe("Cookies that may carry it."),
    })
    .describe("Where the key is looked for, in this order; the first one found counts."),
  forwardClientIDHeader: header
    .optional()
    .describe("Header that tells the endpoint the clientID. Default: none."),
  sanitize: z.boolean().default(false).describe("The endpoint does not see the key. Default: false."),
});

export const basicAuthSchema = z.strictObject({
  users: z
    // Their form is a semantic check, for the same reason.
    .array(z.string().max(1024))
    .min(1)
    .max(10_000)
    .describe(
      "Lines of an htpasswd file: `name:` with `$2y$…` (cost of at most 10), `$6$…` or `$5$…` (at most 10,000 rounds), `$apr1$…`, `$1$…`, `{SHA}…`, `{SSHA}…` or `$pbkdf2-sha256$…`.",
    ),
  realm: headerText
    .refine((value) => !/["\\]/.test(value), "expected no quotes or backslashes")
    .default("isthmus")
    .describe("Name that browsers show. Default: isthmus."),
  forwardUsernameHeader: header
    .optional()
    .describe("Header that tells the endpoint the user's name. Default: none."),
});

/** Signatures with public keys only: with `HS256` a public key could pass for a secret, `none` is no signature. */
export const jwtAlgorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
] as const;

/** RFC 7517, public parameters only: a private key in the configuration is an unknown field. */
export const publicJwkSchema = z.strictObject({
  kty: z.enum(["RSA", "EC", "OKP"]).describe("Key type."),
  kid: text.optional().describe("Key id, as tokens name it."),
  alg: z.enum(jwtAlgorithms).optional().describe("The one algorithm that the key is for."),
  use: z.string().max(16).optional().describe("`sig`, or absent."),
  key_ops: z.array(z.string().max(32)).max(8).optional().describe("`verify`, or absent."),
  n: z.string().max(2048).optional().describe("RSA modulus."),
  e: z.string().max(16).optional().describe("RSA exponent."),
  crv: z.string().max(16).optional().describe("Curve."),
  x: z.string().max(128).optional().describe("Coordinate, or the key of OKP."),
  y: z.string().max(128).optional().describe("Coordinate."),
  x5c: z.array(z.string().max(8192)).max(8).optional().describe("Not looked at."),
  x5t: z.string().max(64).optional().describe("Not looked at."),
  "x5t#S256": z.string().max(64).optional().describe("Not looked at."),
});

/** Everything of a provider but what durations are in; the native configuration shares it. */
export const jwtProviderFields = {
  name: name.describe("Unique within the policy; rules may ask for it."),
  issuer: text
    .optional()
    .describe("`iss` that tokens must have. Default: every issuer, as far as the keys tell."),
  audiences: z
    .array(text)
    .max(32)
    .default([])
    .describe("`aud` must be, or hold, one of these. Default: any audience."),
  algorithms: z
    .array(z.enum(jwtAlgorithms))
    .min(1)
    .max(jwtAlgorithms.length)
    .optional()
    .describe("Signatures that are accepted. Default: all that use public keys."),
  localJWKS: z
    .strictObject({ keys: z.array(publicJwkSchema).min(1).max(64).describe("Public keys (RFC 7517).") })
    .optional()
    .describe("Keys, in the configuration itself."),
  extractFrom: z
    .strictObject({
      headers: z
        .array(
          z.strictObject({
            name: header.describe("Header that may carry the token."),
            valuePrefix: z
              .string()
              .max(64)
              .default("")
              .describe("What stands before the token, such as `Bearer `. Default: nothing."),
          }),
        )
        .max(8)
        .default([])
        .describe("Headers that may carry the token."),
      params: z.array(text).max(8).default([]).describe("Query parameters that may carry it."),
      cookies: z.array(header).max(8).default([]).describe("Cookies that may carry it."),
    })
    .optional()
    .describe("Where the token is looked for. Default: `Authorization: Bearer`."),
  requiredClaims: z
    .array(
      z.strictObject({
        name: claimName,
        values: z
          .array(text)
          .max(64)
          .default([])
          .describe("Values, one of which it must have or hold. Default: any."),
      }),
    )
    .max(16)
    .default([])
    .describe("Claims without which a token is refused."),
  requireExpiration: z
    .boolean()
    .default(true)
    .describe("Refuses tokens without `exp`, which would hold for ever. Default: true."),
  claimToHeaders: z
    .array(
      z.strictObject({
        header: header.describe("Header that the endpoint gets; what clients send under it is dropped."),
        claim: claimName,
      }),
    )
    .max(16)
    .default([])
    .describe("Claims that the endpoint gets as headers."),
  spaceDelimitedClaims: z
    .array(claimName)
    .max(16)
    .optional()
    .describe(
      "Claims whose text is a list with spaces between, such as `scope`, to whatever asks for claims (Envoy `space_delimited_claims`). Default: none.",
    ),
  forwardPayloadHeader: header
    .optional()
    .describe(
      "Header in which the endpoint gets the token's payload in base64url (Envoy `forward_payload_header`). Default: none.",
    ),
  forwardOriginalToken: z.boolean().default(true).describe("The endpoint sees the token. Default: true."),
};

export const remoteJwksFields = {
  uri: remoteUriSchema.describe("Where the issuer publishes its keys."),
  discovery: z
    .boolean()
    .optional()
    .describe(
      "`uri` is the issuer: its `/.well-known/openid-configuration` says where the keys are (OpenID Connect Discovery 1.0). Default: false.",
    ),
};

export const jwtProviderSchema = z.strictObject({
  ...jwtProviderFields,
  remoteJWKS: z.strictObject({ ...remoteJwksFields, cacheDurationMs: z.int().positive() }).optional(),
  clockSkewMs: z.int().min(0),
});

export const jwtFields = {
  optional: z
    .boolean()
    .default(false)
    .describe("Requests without a token pass; those with a bad one do not. Default: false."),
};

// --- all together -----------------------------------------------------------------------------------------------------

export const securityPolicySchema = z.strictObject({
  clientCIDRs: clientNetworksSchema.optional(),
  requestLimits: requestLimitsSchema.optional(),
  clientCertificate: clientCertificateSchema.optional(),
  apiKeyAuth: apiKeyAuthSchema.optional(),
  basicAuth: basicAuthSchema.optional(),
  jwt: z.strictObject({ ...jwtFields, providers: z.array(jwtProviderSchema).min(1).max(8) }).optional(),
  authorization: authorizationSchema.optional(),
  extAuth: extAuthSchema.optional(),
});

export type ClientNetworks = z.infer<typeof clientNetworksSchema>;
export type ApiKeyAuth = z.infer<typeof apiKeyAuthSchema>;
export type BasicAuth = z.infer<typeof basicAuthSchema>;
export type JwtProvider = z.infer<typeof jwtProviderSchema>;
export type SecurityPolicy = z.infer<typeof securityPolicySchema>;
