// Faults on purpose (Envoy Gateway BackendTrafficPolicy.faultInjection).
import { z } from "zod";
import { durationMs, durationSchema } from "./duration.ts";
import { limits } from "./limits.ts";

const percentageSchema = z
  .number()
  .min(0)
  .max(100)
  .default(100)
  .describe("Share of the requests, in percent. Default: 100.");

const isDuration = (text: string): boolean => durationSchema.safeParse(text).success;

export const faultInjectionFields = {
  delay: z
    .strictObject({
      fixedDelay: durationSchema
        // Runs for malformed ones, too, which the schema itself reports.
        .refine((duration) => !isDuration(duration) || durationMs(duration) <= limits.faultDelayMs, {
          message: `expected at most ${limits.faultDelayMs / 1000}s`,
        })
        .describe("Time that a request waits before it goes on."),
      percentage: percentageSchema,
    })
    .optional()
    .describe("Requests that wait."),
  abort: z
    .strictObject({
      httpStatus: z.int().min(200).max(599).optional().describe("Status of the answer."),
      grpcStatus: z.int().min(0).max(16).optional().describe("gRPC status of the answer."),
      percentage: percentageSchema,
    })
    .refine(({ httpStatus, grpcStatus }) => (httpStatus === undefined) !== (grpcStatus === undefined), {
      message: "expected httpStatus or grpcStatus, one of them",
    })
    .optional()
    .describe("Requests that are answered at once."),
};
