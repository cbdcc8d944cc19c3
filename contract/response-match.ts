// Conditions on responses: their statuses and their headers (Envoy Gateway `CustomResponseMatch`).
import { z } from "zod";
import { limits } from "./limits.ts";
import { patternError } from "./pattern/parse-pattern.ts";
import { statusMatchSchema } from "./status-match.ts";
import { headerMatchSchema } from "./value-match.ts";

export const statusCodesSchema = z.array(statusMatchSchema).min(1).max(50);

const responseHeadersSchema = z
  .array(
    headerMatchSchema.superRefine(({ type, value }, context) => {
      if (type !== "RegularExpression") return;
      const message =
        value.length > limits.regexChars
          ? `longer than ${limits.regexChars} characters`
          : patternError(value);
      if (message !== undefined) context.addIssue({ code: "custom", message, path: ["value"], input: value });
    }),
  )
  .min(1)
  .max(16)
  .optional();

const responseExclusionSchema = z
  .strictObject({
    statusCodes: statusCodesSchema.optional().describe("Statuses, one of which holds."),
    responseHeaders: responseHeadersSchema.describe("Conditions on headers, all of which hold."),
  })
  .refine(({ statusCodes, responseHeaders }) => (statusCodes ?? responseHeaders) !== undefined, {
    message: "expected at least one condition; this is every response",
  });

/** Beside the statuses. */
export const responseMatchFields = {
  responseHeaders: responseHeadersSchema.describe(
    "Only responses for whose headers all of these hold; several lines of a name are one list. Default: every response.",
  ),
  not: z
    .array(responseExclusionSchema)
    .min(1)
    .max(16)
    .optional()
    .describe("Responses that are left out: none of these may hold."),
};

export interface ResponseMatch {
  readonly statusCodes?: z.infer<typeof statusCodesSchema> | undefined;
  readonly responseHeaders?: z.infer<typeof responseHeadersSchema>;
  readonly not?: z.infer<typeof responseMatchFields.not>;
}
