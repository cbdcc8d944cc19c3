// Who a client is, as far as proxies in front of the gateway are believed: names of Envoy Gateway's ClientTrafficPolicy.
import { z } from "zod";
import { isCidr } from "./address.ts";

const xForwardedForSchema = z
  .strictObject({
    numTrustedHops: z
      .int()
      .min(0)
      .max(32)
      .optional()
      .describe(
        "Proxies in front of the gateway: so many entries, from the right, are believed. Default: 0.",
      ),
    trustedCIDRs: z
      .array(z.string().max(64).refine(isCidr, "expected a network such as 10.0.0.0/8 or 2001:db8::/32"))
      .max(256)
      .optional()
      .describe("Networks of the proxies in front of the gateway: their entries are believed."),
  })
  .refine(
    (value) => value.numTrustedHops === undefined || value.trustedCIDRs === undefined,
    "expected numTrustedHops or trustedCIDRs, not both",
  )
  .describe("Which entries of X-Forwarded-For are believed.");

export const clientDetectionSchema = z.strictObject({ xForwardedFor: xForwardedForSchema.optional() });
