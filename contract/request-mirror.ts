// RequestMirror (Gateway API HTTPRequestMirrorFilter).
import { z } from "zod";
import { preciseHostnameSchema } from "./hostname.ts";
import { limits } from "./limits.ts";
import { requestTextSchema } from "./request-text.ts";

export const requestMirrorSchema = z
  .strictObject({
    backendRef: z
      .strictObject({ name: z.string().min(1).max(limits.nameChars).describe("Name of a backend.") })
      .describe("Where the copy goes; one endpoint of it."),
    percent: z.int().min(0).max(100).optional().describe("Share of the requests. Default: 100."),
    fraction: z
      .strictObject({
        numerator: z.int().min(0).describe("Requests that are copied …"),
        denominator: z.int().min(1).default(100).describe("… out of so many. Default: 100."),
      })
      .refine(({ numerator, denominator }) => numerator <= denominator, {
        message: "expected a numerator of at most the denominator",
      })
      .optional()
      .describe("Share of the requests, finer than percent."),
    hostname: preciseHostnameSchema.optional().describe("Host of the copy. Default: that of the request."),
    target: requestTextSchema
      .optional()
      .describe("Path and query of the copy; a `?` begins the query. Default: those of the request."),
  })
  .refine(({ percent, fraction }) => percent === undefined || fraction === undefined, {
    message: "expected percent or fraction, not both",
  });

export type RequestMirror = z.infer<typeof requestMirrorSchema>;
