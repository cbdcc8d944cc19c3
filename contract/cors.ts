// Cross-Origin Resource Sharing (Gateway API HTTPCORSFilter, GEP-1767).
import { z } from "zod";
import { headerNameSchema } from "./http-field.ts";
import { patternSchema } from "./pattern/pattern-schema.ts";

/** Gateway API `CORSOrigin`: `*`, or scheme, host (`*.` stands for any labels, `*` for any host) and optional port. */
export const corsOriginSchema = z
  .string()
  .max(253)
  .regex(
    /^(?:\*|[a-z][a-z0-9+.-]*:\/\/(?:(?:\*\.)?(?:[A-Za-z0-9-]+\.)*[A-Za-z0-9-]+|\*)(?::[0-9]{1,5})?)$/,
    "expected * or an origin such as https://*.example.com:8443",
  );

const methodOrAnySchema = z.enum([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "CONNECT",
  "OPTIONS",
  "TRACE",
  "PATCH",
  "*",
]);

/** `*` says it all; beside others it would hide a mistake. */
function alone(values: readonly string[] | undefined): boolean {
  return values === undefined || !values.includes("*") || values.length === 1;
}
const aloneMessage = { message: "expected * alone or a list without it" };

export const corsSchema = z.strictObject({
  allowOrigins: z
    .array(corsOriginSchema)
    .max(64)
    .default([])
    .refine(alone, aloneMessage)
    .describe("Origins whose scripts may use the responses. Default: none."),
  allowOriginPatterns: z
    .array(patternSchema)
    .min(1)
    .max(64)
    .optional()
    .describe("Regular expressions of whole origins, besides those."),
  allowCredentials: z
    .boolean()
    .default(false)
    .describe("Whether requests may carry cookies and the like. Default: false."),
  allowMethods: z
    .array(methodOrAnySchema)
    .max(9)
    .default([])
    .refine(alone, aloneMessage)
    .describe("Methods beyond GET, HEAD and POST, which are always allowed."),
  allowHeaders: z
    .array(headerNameSchema)
    .max(64)
    .default([])
    .refine(alone, aloneMessage)
    .describe("Request headers that scripts may set."),
  exposeHeaders: z.array(headerNameSchema).max(64).default([]).describe("Response headers scripts may read."),
  maxAge: z
    .int()
    .min(1)
    .max(2_147_483_647)
    .default(5)
    .describe("Seconds for which browsers keep a preflight's answer. Default: 5."),
});

export type Cors = z.infer<typeof corsSchema>;
