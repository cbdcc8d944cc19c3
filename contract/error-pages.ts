// Pages for the errors that the gateway answers itself, by the error's code or status (Envoy `LocalReplyConfig`, HAProxy
// `errorfile` and `http-errors`). What a backend answers is no error of the gateway.
import { z } from "zod";
import { errorTable, type ErrorCode } from "./error.ts";
import { limits } from "./limits.ts";
import { oneBody, responseFields, responseFromFields } from "./local-response.ts";
import { statusMatchSchema, statusSchema } from "./status-match.ts";

const errorCodes = Object.keys(errorTable) as ErrorCode[];

const errorMatchSchema = z
  .strictObject({
    errorCodes: z
      .array(z.enum(errorCodes))
      .min(1)
      .max(errorCodes.length)
      .optional()
      .describe("Errors as the response's `isthmus-error` names them."),
    statusCodes: z
      .array(statusMatchSchema)
      .min(1)
      .max(50)
      .optional()
      .describe("Statuses that the gateway would answer."),
  })
  .refine(({ errorCodes: codes, statusCodes }) => codes !== undefined || statusCodes !== undefined, {
    message: "expected errorCodes or statusCodes",
  });

export const errorPageSchema = z.strictObject({
  match: errorMatchSchema.describe("Errors that the page is for; one of the codes or statuses is enough."),
  response: z
    .strictObject({
      ...responseFields,
      ...responseFromFields,
      body: responseFields.body.describe("Default: the gateway's own problem document."),
      statusCode: statusSchema.optional().describe("Default: that of the error."),
    })
    .refine(...oneBody)
    .describe("What is answered; the error's code stays in `isthmus-error`."),
});

export const errorPagesSchema = z.array(errorPageSchema).min(1).max(limits.pagesPerErrorPages);

export type ErrorPage = z.infer<typeof errorPageSchema>;
