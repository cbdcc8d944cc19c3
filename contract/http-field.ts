// Header fields as configurations write them.
import { z } from "zod";

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

export const headerSchema = z.strictObject({
  name: headerNameSchema.describe("Name, without case."),
  value: headerValueSchema.describe("Value, without line ends."),
});

/** What of a request a header can be made to carry. Target is path and query, Host has the port that the client sent. */
export const requestFactSchema = z.enum(["ClientIP", "Scheme", "Host", "Method", "Path", "Target"]);

export const headerModifierSchema = z.strictObject({
  set: z.array(headerSchema).max(64).default([]).describe("Headers that replace those of the same name."),
  add: z
    .array(headerSchema)
    .max(64)
    .default([])
    .describe("Headers that join what is there of the same name."),
  setFrom: z
    .array(
      z.strictObject({
        name: headerNameSchema.describe("Name, without case."),
        from: requestFactSchema.describe("What of the client's request the value is."),
      }),
    )
    .min(1)
    .max(16)
    .optional()
    .describe("Headers like those of `set`, with a value from the request."),
  remove: z.array(headerNameSchema).max(64).default([]).describe("Names of headers to take away."),
});

export type RequestFact = z.infer<typeof requestFactSchema>;
export type HeaderModifier = z.infer<typeof headerModifierSchema>;
