// The Gateway API's HTTPRoute building blocks (gateway.networking.k8s.io/v1): same field names, same semantics.
// The native configuration and the snapshot are both made of them.
import { z } from "zod";
import { limits } from "./limits.ts";

/** RFC 9110 §5.6.2 token. */
export const headerNameSchema = z
  .string()
  .max(256)
  .regex(/^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/, "expected an HTTP header name (RFC 9110 token)");

/** RFC 9110 §5.5 field value: no control characters, so no value can end a header line. */
export const headerValueSchema = z
  .string()
  .max(4096)
  // oxlint-disable-next-line no-control-regex
  .regex(/^[^\u0000-\u0008\u000A-\u001F\u007F]*$/, "expected a header value without control characters");

export const hostnameSchema = z
  .string()
  .max(limits.hostnameChars)
  .regex(
    /^(\*\.)?[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/,
    "expected a host name such as api.example.com, or *.example.com",
  )
  .meta({ id: "Hostname", examples: ["api.example.com", "*.example.com"] });

/** Host name without wildcard (Gateway API `PreciseHostname`). */
export const preciseHostnameSchema = hostnameSchema.refine((hostname) => !hostname.startsWith("*"), {
  message: "expected a host name without wildcard",
});

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
  })
  .superRefine(({ type, value }, context) => {
    const result = (type === "RegularExpression" ? regexValueSchema : pathValueSchema).safeParse(value);
    for (const { message } of result.error?.issues ?? []) {
      context.addIssue({ code: "custom", message, path: ["value"], input: value });
    }
  });

export const valueMatchTypeSchema = z.enum(["Exact", "RegularExpression"]);

/** Header names compare without case; values with it. */
export const headerMatchSchema = z.strictObject({
  type: valueMatchTypeSchema.default("Exact"),
  name: headerNameSchema,
  value: z.string().min(1).max(4096).describe("Value, or regular expression for the whole value."),
});

export const queryParamMatchSchema = z.strictObject({
  type: valueMatchTypeSchema.default("Exact"),
  name: z.string().min(1).max(256).describe("Name, with case."),
  value: z.string().min(1).max(1024).describe("Value, or regular expression for the whole value."),
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

/** All conditions of one match hold together (and); a rule's matches are alternatives (or). */
export const routeMatchSchema = z.strictObject({
  path: pathMatchSchema
    .default({ type: "PathPrefix", value: "/" })
    .describe("Condition on the normalised path. Default: every path."),
  method: methodSchema.optional().describe("Default: every method."),
  headers: z
    .array(headerMatchSchema)
    .max(16)
    .default([])
    .describe("Conditions on headers, all of which must hold."),
  queryParams: z
    .array(queryParamMatchSchema)
    .max(16)
    .default([])
    .describe("Conditions on query parameters, all of which must hold."),
});

const headerSchema = z.strictObject({ name: headerNameSchema, value: headerValueSchema });

export const headerModifierSchema = z.strictObject({
  set: z.array(headerSchema).max(64).default([]).describe("Headers that replace those of the same name."),
  add: z
    .array(headerSchema)
    .max(64)
    .default([])
    .describe("Headers that join what is there of the same name."),
  remove: z.array(headerNameSchema).max(64).default([]).describe("Names of headers to take away."),
});

export const pathModifierSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("ReplaceFullPath"),
    replaceFullPath: pathValueSchema,
  }),
  z.strictObject({
    type: z.literal("ReplacePrefixMatch"),
    /** Empty: the prefix is removed. */
    replacePrefixMatch: prefixReplacementSchema,
  }),
]);

export const filterSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("RequestHeaderModifier"), requestHeaderModifier: headerModifierSchema }),
  z.strictObject({ type: z.literal("ResponseHeaderModifier"), responseHeaderModifier: headerModifierSchema }),
  z.strictObject({
    type: z.literal("RequestRedirect"),
    requestRedirect: z.strictObject({
      scheme: z.enum(["http", "https"]).optional().describe("Default: that of the request."),
      hostname: preciseHostnameSchema.optional().describe("Default: that of the request."),
      path: pathModifierSchema.optional(),
      port: z
        .int()
        .min(1)
        .max(65_535)
        .optional()
        .describe("Default: that of the scheme, if one is given, or else that of the listener."),
      statusCode: z.literal([301, 302, 303, 307, 308]).default(302).describe("Default: 302."),
    }),
  }),
  z.strictObject({
    type: z.literal("URLRewrite"),
    urlRewrite: z.strictObject({
      hostname: preciseHostnameSchema.optional(),
      path: pathModifierSchema.optional(),
    }),
  }),
]);

export type PathMatch = z.infer<typeof pathMatchSchema>;
export type HeaderMatch = z.infer<typeof headerMatchSchema>;
export type QueryParamMatch = z.infer<typeof queryParamMatchSchema>;
export type RouteMatch = z.infer<typeof routeMatchSchema>;
export type HeaderModifier = z.infer<typeof headerModifierSchema>;
export type PathModifier = z.infer<typeof pathModifierSchema>;
export type Filter = z.infer<typeof filterSchema>;
