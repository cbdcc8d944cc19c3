// The Gateway API's HTTPRoute building blocks (gateway.networking.k8s.io/v1): same field names, same semantics.
// The native configuration and the snapshot are both made of them.
import { z } from "zod";
import { clientCidrsSchema } from "./client-cidrs.ts";
import { corsSchema } from "./cors.ts";
import { durationSchema } from "./duration.ts";
import { faultInjectionFields } from "./fault-injection.ts";
import { headerModifierSchema, responseHeaderModifierSchema } from "./header-modifier.ts";
import { preciseHostnameSchema } from "./hostname.ts";
import { headerNameSchema } from "./http-field.ts";
import { limits } from "./limits.ts";
import { directResponseSchema, responseOverridesSchema } from "./local-response.ts";
import { patternSchema } from "./pattern/pattern-schema.ts";
import { requestMirrorSchema } from "./request-mirror.ts";
import { requestTextSchema } from "./request-text.ts";
import { textMatchSchema } from "./text-match.ts";
import { headerMatchSchema, valueMatchSchema } from "./value-match.ts";

export { clientCidrsSchema } from "./client-cidrs.ts";
export { headerModifierSchema, type HeaderModifier } from "./header-modifier.ts";
export { headerNameSchema, headerValueSchema } from "./http-field.ts";
export { hostnameSchema, preciseHostnameSchema } from "./hostname.ts";
export { headerMatchSchema, valueMatchTypeSchema, type HeaderMatch } from "./value-match.ts";

/** A path as it stands in a request target: nothing that would end it. */
const pathValueSchema = z
  .string()
  .max(1024)
  // oxlint-disable-next-line no-control-regex
  .regex(/^\/[^\u0000-\u0020\u007F?#]*$/, "expected a path: '/' first, no spaces, '?' or '#'");

const prefixReplacementSchema = z
  .string()
  .max(1024)
  .regex(
    // oxlint-disable-next-line no-control-regex
    /^(?:\/[^\u0000-\u0020\u007F?#]*)?$/,
    "expected nothing, or a path: '/' first, no spaces, '?' or '#'",
  );

const regexValueSchema = z.string().min(1).max(limits.regexChars);

/** Gateway API defaults: a PathPrefix match of `/`. */
export const pathMatchSchema = z
  .strictObject({
    type: z
      .enum(["Exact", "PathPrefix", "RegularExpression"])
      .default("PathPrefix")
      .describe("PathPrefix compares whole segments: /a takes /a/b, not /ab. Default: PathPrefix."),
    value: z.string().min(1).max(1024).default("/").describe("Path or regular expression. Default: /."),
    ignoreCase: z
      .boolean()
      .optional()
      .describe(
        "Letters of both cases are equal. Not for RegularExpression, which has (?i). Default: false.",
      ),
  })
  .superRefine(({ type, value, ignoreCase }, context) => {
    if (type === "RegularExpression" && ignoreCase) {
      const message = "ignoreCase is for Exact and PathPrefix; write (?i) in front of the expression";
      context.addIssue({ code: "custom", message, path: ["ignoreCase"], input: ignoreCase });
    }
    const result = (type === "RegularExpression" ? regexValueSchema : pathValueSchema).safeParse(value);
    for (const { message } of result.error?.issues ?? []) {
      context.addIssue({ code: "custom", message, path: ["value"], input: value });
    }
  });

export const queryParamMatchSchema = valueMatchSchema(
  z.string().min(1).max(256).describe("Name, with case."),
  1024,
);

/** Envoy Gateway `HTTPCookieMatch`. Cookie names are tokens (RFC 6265 §4.1.1). */
export const cookieMatchSchema = valueMatchSchema(headerNameSchema.describe("Name, with case."), 4096);

/** Of a verified token; a claim that is a list holds if one of its values does. */
export const claimMatchSchema = valueMatchSchema(
  z.string().min(1).max(256).describe("Claim; `a.b` is b within a."),
  1024,
);

const faultInjectionSchema = z
  .strictObject({
    ...faultInjectionFields,
    headers: z
      .array(headerMatchSchema)
      .max(16)
      .optional()
      .describe("Only requests for which all of these hold. Default: every request."),
  })
  .refine(({ delay, abort }) => delay !== undefined || abort !== undefined, {
    message: "expected a delay or an abort",
  });

export const methodSchema = z.enum([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "CONNECT",
  "OPTIONS",
  "TRACE",
  "PATCH",
]);

const conditionFields = {
  headers: z.array(headerMatchSchema).max(16),
  queryParams: z.array(queryParamMatchSchema).max(16),
  cookies: z.array(cookieMatchSchema).max(16).optional(),
  claims: z.array(claimMatchSchema).min(1).max(16).optional(),
  clientCIDRs: clientCidrsSchema.optional(),
};

/** A set of requests that a match leaves out, or is confined to; all of its conditions hold together. */
export const exclusionSchema = z
  .strictObject({
    path: pathMatchSchema.optional().describe("Condition on the normalised path. Default: every path."),
    method: methodSchema.optional().describe("Default: every method."),
    headers: conditionFields.headers.optional().describe("Conditions on headers."),
    queryParams: conditionFields.queryParams.optional().describe("Conditions on query parameters."),
    cookies: conditionFields.cookies.describe("Conditions on cookies."),
    claims: conditionFields.claims.describe("Conditions on claims of the verified token."),
    clientCIDRs: conditionFields.clientCIDRs.describe("Networks, one of which has the client's address."),
    texts: z
      .array(textMatchSchema)
      .max(16)
      .optional()
      .describe("Conditions on texts that are put together from the request."),
  })
  .refine(
    (exclusion) =>
      Object.values(exclusion).some((field) => (Array.isArray(field) ? field.length > 0 : field)),
    {
      message: "expected at least one condition; this is every request",
    },
  );

/**
 * All conditions of one match hold together, those under `and` included; a rule's matches are alternatives (or); none
 * of the exclusions under `not` may hold.
 */
export const routeMatchSchema = z.strictObject({
  path: pathMatchSchema
    .default({ type: "PathPrefix", value: "/" })
    .describe("Condition on the normalised path. Default: every path."),
  method: methodSchema.optional().describe("Default: every method."),
  headers: conditionFields.headers.default([]).describe("Conditions on headers, all of which must hold."),
  queryParams: conditionFields.queryParams
    .default([])
    .describe("Conditions on query parameters, all of which must hold."),
  cookies: conditionFields.cookies.describe("Conditions on cookies, all of which must hold."),
  claims: conditionFields.claims.describe(
    "Conditions on claims of the token that the rule's `securityPolicy.jwt` verifies, all of which must hold.",
  ),
  clientCIDRs: conditionFields.clientCIDRs.describe(
    "Networks, one of which has the client's address. Default: every client.",
  ),
  and: z
    .array(exclusionSchema)
    .min(1)
    .max(8)
    .optional()
    .describe("Further conditions, for a second one on the path or on one name: all of these hold, too."),
  not: z
    .array(exclusionSchema)
    .min(1)
    .max(16)
    .optional()
    .describe("Requests that this match leaves out: none of these may hold."),
});

/** Envoy Gateway `ReplaceRegexMatch`; `\0` to `\9` in the substitution are the match and its groups. */
const regexReplacementSchema = z.strictObject({
  pattern: patternSchema.describe("Regular expression; every part of the path that matches it is replaced."),
  substitution: z
    .string()
    .max(1024)
    // oxlint-disable-next-line no-control-regex
    .regex(/^[^\u0000-\u0020\u007F?#]*$/, "expected part of a path: no spaces, '?' or '#'")
    .describe("What stands in its place; \\\\1 is the first group."),
});

export const pathModifierSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("ReplaceFullPath"),
    replaceFullPath: pathValueSchema.describe("The new path."),
  }),
  z.strictObject({
    type: z.literal("ReplacePrefixMatch"),
    replacePrefixMatch: prefixReplacementSchema.describe(
      "What stands for the prefix that the rule's match names. Empty: the prefix is removed.",
    ),
  }),
  z.strictObject({
    type: z.literal("ReplaceRegexMatch"),
    replaceRegexMatch: regexReplacementSchema.describe("Parts of the path that are replaced."),
  }),
]);

export const filterSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("RequestHeaderModifier"),
    requestHeaderModifier: headerModifierSchema.describe("Changes to the headers of the request."),
  }),
  z.strictObject({
    type: z.literal("ResponseHeaderModifier"),
    responseHeaderModifier: responseHeaderModifierSchema.describe("Changes to the headers of the response."),
  }),
  z.strictObject({
    type: z.literal("RequestRedirect"),
    requestRedirect: z
      .strictObject({
        scheme: z.enum(["http", "https"]).optional().describe("Default: that of the request."),
        hostname: preciseHostnameSchema.optional().describe("Default: that of the request."),
        path: pathModifierSchema.optional().describe("Default: that of the request."),
        port: z
          .int()
          .min(1)
          .max(65_535)
          .optional()
          .describe("Default: that of the scheme, if one is given, or else that of the listener."),
        location: requestTextSchema
          .optional()
          .describe("The whole Location, in place of scheme, hostname, path and port."),
        statusCode: z.literal([301, 302, 303, 307, 308]).default(302).describe("Default: 302."),
      })
      .refine(
        ({ location, scheme, hostname, path, port }) =>
          location === undefined || (scheme ?? hostname ?? path ?? port) === undefined,
        { message: "expected location without scheme, hostname, path and port" },
      )
      .describe("The Location that answers the request; what is left out stays as in the request."),
  }),
  z.strictObject({
    type: z.literal("URLRewrite"),
    urlRewrite: z
      .strictObject({
        hostname: preciseHostnameSchema
          .optional()
          .describe("Host that the backend sees. Default: the client's."),
        path: pathModifierSchema.optional().describe("Default: that of the request."),
        target: requestTextSchema
          .optional()
          .describe(
            "Path and query, in place of `path`; a `?` begins the query. Default: those of the request.",
          ),
      })
      .refine(({ path, target }) => path === undefined || target === undefined, {
        message: "expected path or target, not both",
      })
      .describe("What the backend sees in place of the client's host and path."),
  }),
  z.strictObject({
    type: z.literal("RequestMirror"),
    requestMirror: requestMirrorSchema.describe("A backend that gets a copy; its answers are ignored."),
  }),
  z.strictObject({
    type: z.literal("CORS"),
    cors: corsSchema.describe("Which other origins' scripts may use the responses."),
  }),
  z.strictObject({
    type: z.literal("DirectResponse"),
    directResponse: directResponseSchema.describe("The response that the gateway gives itself."),
  }),
  z.strictObject({
    type: z.literal("ResponseOverride"),
    responseOverride: responseOverridesSchema.describe("Responses that stand for those of some statuses."),
  }),
  z.strictObject({
    type: z.literal("Statistics"),
    statistics: z
      .strictObject({
        refresh: durationSchema
          .optional()
          .describe("How often the page renews itself, in whole seconds. Default: never."),
        format: z
          .enum(["Page", "Prometheus"])
          .optional()
          .describe("The page, or the metrics of the Admin API's /metrics in its place. Default: Page."),
      })
      .default({})
      .describe(
        "The control's statistics, without asking for a token (HAProxy `stats enable`, `prometheus-exporter`).",
      ),
  }),
  z.strictObject({
    type: z.literal("FaultInjection"),
    faultInjection: faultInjectionSchema.describe("Delays and errors that are made on purpose."),
  }),
]);

export type PathMatch = z.infer<typeof pathMatchSchema>;
export type QueryParamMatch = z.infer<typeof queryParamMatchSchema>;
export type RouteMatch = z.infer<typeof routeMatchSchema>;
export type PathModifier = z.infer<typeof pathModifierSchema>;
export type Exclusion = z.infer<typeof exclusionSchema>;
export type CookieMatch = z.infer<typeof cookieMatchSchema>;
export type ClaimMatch = z.infer<typeof claimMatchSchema>;
export type FaultInjection = z.infer<typeof faultInjectionSchema>;
export type Filter = z.infer<typeof filterSchema>;

/** Whether it depends on who asks, which is known only when the token is verified. */
export function asksForClaims({ claims, and = [], not = [] }: RouteMatch): boolean {
  return [{ claims }, ...and, ...not].some((part) => part.claims !== undefined);
}
