// Changes to the header fields of a message.
import { z } from "zod";
import { headerNameSchema, headerSchema } from "./http-field.ts";
import { patternSchema } from "./pattern/pattern-schema.ts";
import { requestTextSchema, responseTextSchema } from "./request-text.ts";
import { responseMatchFields, statusCodesSchema } from "./response-match.ts";

/** What of a request a header can be made to carry. Target is path and query, Host has the port that the client sent. */
export const requestFactSchema = z.enum(["ClientIP", "Scheme", "Host", "Method", "Path", "Target"]);

function headerFromSchema(textSchema: typeof responseTextSchema) {
  return z
    .strictObject({
      name: headerNameSchema.describe("Name, without case."),
      from: requestFactSchema.optional().describe("What of the client's request the value is."),
      parts: textSchema.optional().describe("In place of `from`: what the value is put together from."),
      keepEmptyValue: z
        .boolean()
        .optional()
        .describe("Whether there is a header where its value is empty. Default: true."),
    })
    .refine(({ from, parts }) => (from === undefined) !== (parts === undefined), {
      message: "expected from or parts, one of them",
    });
}

export const headersFromSchema = z.array(headerFromSchema(requestTextSchema)).min(1).max(64);

const responseHeadersFromSchema = z.array(headerFromSchema(responseTextSchema)).min(1).max(64);

const replacedHeaderSchema = z.strictObject({
  name: headerNameSchema.describe("Name, without case."),
  replaceRegexMatch: z
    .strictObject({
      pattern: patternSchema.describe(
        "Regular expression; every part of the value that matches it is replaced.",
      ),
      substitution: z.string().max(1024).describe("What stands in its place; \\\\1 is the first group."),
    })
    .describe("Parts of the value that are replaced."),
  elements: z
    .boolean()
    .default(false)
    .describe("Whether each element between commas is a value of its own. Default: the whole field is one."),
});

export const headerModifierSchema = z.strictObject({
  replace: z
    .array(replacedHeaderSchema)
    .min(1)
    .max(16)
    .optional()
    .describe(
      "Headers whose values are rewritten, one after the other, before all other changes. Each Set-Cookie is one of its own.",
    ),
  set: z.array(headerSchema).max(64).default([]).describe("Headers that replace those of the same name."),
  add: z
    .array(headerSchema)
    .max(64)
    .default([])
    .describe("Headers that join what is there of the same name."),
  setFrom: headersFromSchema
    .optional()
    .describe("Headers like those of `set`, with a value from the request."),
  addFrom: headersFromSchema
    .optional()
    .describe("Headers like those of `add`, with a value from the request."),
  remove: z.array(headerNameSchema).max(64).default([]).describe("Names of headers to take away."),
});

/** Of a response. */
export const responseHeaderModifierSchema = headerModifierSchema.extend({
  setFrom: responseHeadersFromSchema
    .optional()
    .describe("Headers like those of `set`, with a value from the request or the response."),
  addFrom: responseHeadersFromSchema
    .optional()
    .describe("Headers like those of `add`, with a value from the request or the response."),
  statusCodes: statusCodesSchema
    .optional()
    .describe("Only responses with one of these statuses. Default: every response."),
  ...responseMatchFields,
});

export type ResponseHeaderModifier = z.infer<typeof responseHeaderModifierSchema>;
export type HeaderFrom = z.infer<ReturnType<typeof headerFromSchema>>;
export type ReplacedHeader = z.infer<typeof replacedHeaderSchema>;
export type HeaderModifier = z.infer<typeof headerModifierSchema>;
