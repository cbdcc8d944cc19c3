// Responses that the gateway gives itself (Envoy Gateway HTTPDirectResponseFilter and ResponseOverride).
import { z } from "zod";
import { headersFromSchema } from "./header-modifier.ts";
import { headerSchema } from "./http-field.ts";
import { limits } from "./limits.ts";
import { requestTextSchema } from "./request-text.ts";
import { responseMatchFields, statusCodesSchema } from "./response-match.ts";
import { statusSchema } from "./status-match.ts";

export const responseFields = {
  contentType: z.string().min(1).max(256).optional().describe("Content-Type. Default: text/plain."),
  body: z
    .strictObject({
      type: z.literal("Inline").default("Inline").describe("Inline: the text stands here."),
      inline: z.string().max(65_536).describe("Text of the body."),
    })
    .optional()
    .describe("Default: no body."),
  header: z
    .strictObject({
      set: z.array(headerSchema).max(64).default([]).describe("Headers of the response."),
      add: z.array(headerSchema).max(64).default([]).describe("Headers that may occur more than once."),
    })
    .optional()
    .describe("Headers beside Content-Type."),
};

/** What is put together for each request. */
export const responseFromFields = {
  bodyFrom: requestTextSchema.optional().describe("In place of `body`: what the body is put together from."),
  headersFrom: headersFromSchema.optional().describe("Headers with a value from the request."),
};

/** For both kinds of fields together. */
export const oneBody = [
  ({ body, bodyFrom }: { readonly body?: unknown; readonly bodyFrom?: unknown }): boolean =>
    body === undefined || bodyFrom === undefined,
  { message: "expected body or bodyFrom, not both" },
] as const;

export const directResponseSchema = z
  .strictObject({
    ...responseFields,
    ...responseFromFields,
    statusCode: statusSchema.default(200).describe("Default: 200."),
  })
  .refine(...oneBody);

const wordFields = [
  "contentType",
  "body",
  "bodyFrom",
  "header",
  "headersFrom",
  "statusCode",
  "keepHeaders",
  "keepBody",
] as const;

/** A response is worded here, or comes from a backend. */
function isOneSource(response: Readonly<Record<string, unknown>>): boolean {
  if (response["backendRef"] === undefined) return response["requestHeaders"] === undefined;
  return wordFields.every((field) => response[field] === undefined);
}

/** Only the status of a response whose body stays can be another. */
function isOneChange({ keepBody, statusCode, ...response }: Readonly<Record<string, unknown>>): boolean {
  if (keepBody !== true) return true;
  return statusCode !== undefined && Object.values(response).every((value) => value === undefined);
}

/** Custom error pages: the first entry that names a response's status replaces that response. */
export const responseOverridesSchema = z
  .array(
    z.strictObject({
      match: z
        .strictObject({
          statusCodes: statusCodesSchema.describe("Statuses, one of which holds."),
          ...responseMatchFields,
        })
        .describe("Responses that are replaced."),
      source: z
        .enum(["All", "Backend", "Local"])
        .optional()
        .describe(
          "Backend: responses that a backend gave. Local: those that the gateway made itself. Default: All.",
        ),
      response: z
        .strictObject({
          ...responseFields,
          ...responseFromFields,
          keepHeaders: z
            .boolean()
            .optional()
            .describe("Whether headers stay that do not describe the replaced body. Default: true."),
          keepBody: z
            .boolean()
            .optional()
            .describe(
              "Whether the body stays, with what describes it: only the status is another. Default: false.",
            ),
          statusCode: statusSchema.optional().describe("Default: that of the replaced response."),
          backendRef: z
            .strictObject({ name: z.string().min(1).max(limits.nameChars).describe("Name of a backend.") })
            .optional()
            .describe(
              "A backend that is asked for the response instead, with GET / and what happened in X-Code, X-Format and X-Original-URI. Where it does not answer, the replaced response stays.",
            ),
          requestHeaders: z
            .array(headerSchema)
            .max(16)
            .optional()
            .describe("Headers that the backend is told besides."),
        })
        .refine(isOneSource, {
          message:
            "expected backendRef without contentType, body, header and statusCode; requestHeaders go with it",
        })
        .refine(...oneBody)
        .refine(isOneChange, { message: "expected keepBody with statusCode alone" })
        .describe("What stands for them."),
    }),
  )
  .min(1)
  .max(32);

export type DirectResponse = z.infer<typeof directResponseSchema>;
export type ResponseOverrides = z.infer<typeof responseOverridesSchema>;
