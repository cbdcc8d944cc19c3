// Rate limits as users write them: Envoy Gateway's `rateLimit` with its `global` and `local` rules, and what it has no word
// for under names of our own (docs/rate-limiting.md).
import { z } from "zod";
import { durationSchema } from "#contract/duration.ts";
import { headerNameSchema, valueMatchTypeSchema } from "#contract/http-route.ts";
import { limits } from "#contract/limits.ts";
import {
  limitedRequestSchema,
  limitSchema,
  rateLimitSchema,
  refusalStatusSchema,
  ruleConcurrencyLimitSchema,
} from "#contract/rate-limit.ts";
import { statusCodesSchema } from "#contract/response-match.ts";
import { nameSchema } from "#contract/snapshot.ts";
import { isCidr } from "./address.ts";

/** Seconds of Envoy's rate limit service: a month has 30 days, a year 365. */
export const unitMs = {
  Second: 1_000,
  Minute: 60_000,
  Hour: 3_600_000,
  Day: 86_400_000,
  Month: 30 * 86_400_000,
  Year: 365 * 86_400_000,
} as const;
type Unit = keyof typeof unitMs;

const units = Object.keys(unitMs) as [Unit, ...Unit[]];

export const nativeLimitSchema = z
  .strictObject({
    requests: limitSchema.shape.requests.describe("Units that may be spent per unit of time."),
    unit: z.enum(units).optional().describe("Unit of time; a month has 30 days, a year 365."),
    window: durationSchema.optional().describe("In place of `unit`: a time of any length."),
    burst: limitSchema.shape.burst.describe(
      "Units that may be spent at once; for TokenBucket. Default: `requests`.",
    ),
    algorithm: limitSchema.shape.algorithm.describe(
      "TokenBucket: units come in evenly. FixedWindow: all at the start of each window. SlidingWindow: at most `requests` in any window, by estimate. Default: TokenBucket.",
    ),
  })
  .refine(({ unit, window }) => (unit === undefined) !== (window === undefined), {
    message: "expected `unit` or `window`, one of them",
  })
  .describe("How much, in which time.");

const distinct = "Distinct: whatever the value is, each has a count of its own.";

function valueSelectorSchema<Name extends z.ZodType<string>>(name: Name) {
  return z
    .strictObject({
      type: z
        .enum([...valueMatchTypeSchema.options, "Distinct"])
        .default("Exact")
        .describe(`How values compare. ${distinct} Default: Exact.`),
      name,
      value: z.string().max(4096).default("").describe("Value, or regular expression for the whole value."),
    })
    .superRefine(({ type, value }, context) => {
      const wantsValue = type === "Exact" || type === "RegularExpression";
      if (wantsValue === (value !== "")) return;
      const message = wantsValue ? "expected a value to compare with" : `${type} has no value`;
      context.addIssue({ code: "custom", message, path: ["value"], input: value });
    });
}

const claimSelectorSchema = z
  .strictObject({
    type: z.enum(["Exact", "Distinct"]).default("Exact").describe(`${distinct} Default: Exact.`),
    name: z.string().min(1).max(256).describe("Name; `a.b` is b within a."),
    value: z.string().max(1024).default("").describe("Value, as text."),
  })
  .refine(({ type, value }) => (type === "Exact") === (value !== ""), {
    message: "expected a value for Exact, and none for Distinct",
    path: ["value"],
  });

const sourceSelectorSchema = z
  .strictObject({
    type: z
      .enum(["Exact", "Distinct"])
      .default("Exact")
      .describe("Exact: all clients of the network together. Distinct: each address apart. Default: Exact."),
    value: z
      .string()
      .max(64)
      .refine(isCidr, "expected a network such as 10.0.0.0/8 or 2001:db8::/32")
      .optional()
      .describe("Network. Default, for Distinct only: every address."),
    ipv6PrefixLength: z
      .int()
      .min(1)
      .max(128)
      .optional()
      .describe("Distinct: bits of an IPv6 address that tell clients apart. Default: 64."),
  })
  .refine(({ type, value }) => type === "Distinct" || value !== undefined, {
    message: "expected a network for Exact",
    path: ["value"],
  });

const clientSelectorSchema = z
  .strictObject({
    sourceCIDR: sourceSelectorSchema.optional().describe("The client's address."),
    headers: z
      .array(valueSelectorSchema(headerNameSchema.describe("Name, without case.")))
      .max(16)
      .default([])
      .describe("Headers of the request."),
    cookies: z
      .array(valueSelectorSchema(headerNameSchema.describe("Name, with case.")))
      .max(16)
      .default([])
      .describe("Cookies of the request."),
    claims: z
      .array(claimSelectorSchema)
      .max(16)
      .default([])
      .describe("Claims of the token that authentication has verified."),
    route: z
      .strictObject({ type: z.literal("Distinct").describe("Each route has a count of its own.") })
      .optional()
      .describe("The route; for limits that several routes share."),
    and: z
      .array(limitedRequestSchema)
      .min(1)
      .max(16)
      .optional()
      .describe("Further conditions on the request: all of these hold, too."),
    not: z
      .array(limitedRequestSchema)
      .min(1)
      .max(16)
      .optional()
      .describe("Requests that do not count: none of these may hold."),
  })
  .describe("Conditions of a limit, all of which must hold, and what tells its counts apart.");

const clientSelectors = z
  .array(clientSelectorSchema)
  .max(8)
  .default([])
  .describe("Which requests count, and under which key: all of these hold. Default: all, as one.");
const name = rateLimitSchema.shape.name.describe(
  "Shown in the RateLimit headers and in counters; unique among the limits of a rule.",
);
const shared = z
  .boolean()
  .default(false)
  .describe(
    "true: all rules that this limit stands for are counted together. false: each by itself. Default: false.",
  );
const shadowMode = z.boolean().default(false).describe("Count and report, but never refuse. Default: false.");

const statusCode = refusalStatusSchema.optional().describe("Status of a refusal. Default: 429.");

const limitFields = {
  name,
  clientSelectors,
  limit: nativeLimitSchema,
  overrides: z
    .array(
      z.strictObject({
        key: z
          .array(z.string().max(1024))
          .min(1)
          .max(8)
          .describe("Values of the Distinct selectors, in their order."),
        limit: nativeLimitSchema.describe("The limit of this key."),
      }),
    )
    .max(1_024)
    .default([])
    .describe("Keys with a limit of their own."),
  cost: z
    .strictObject({
      request: z
        .strictObject({
          from: z.literal("Number").default("Number").describe("Default: Number."),
          number: z.int().min(1).max(1_000_000).default(1).describe("Units. Default: 1."),
        })
        .describe("What a request costs."),
    })
    .default({ request: { from: "Number", number: 1 } })
    .describe("Default: one unit for a request."),
  shared,
  shadowMode,
  statusCode,
};

const globalLimitSchema = z.strictObject({
  ...limitFields,
  mode: rateLimitSchema.shape.mode.describe(
    "strict: every request asks the object that counts. leased: gateways spend from leases. Default: leased.",
  ),
  onUnavailable: rateLimitSchema.shape.onUnavailable.describe(
    "When the object cannot be reached: allow (fail open), deny (fail closed, 503), or a fair share counted locally. Default: local.",
  ),
});

const localLimitSchema = z.strictObject({
  ...limitFields,
  countedStatusCodes: statusCodesSchema
    .optional()
    .describe(
      "Only requests that are answered with one of these statuses cost anything; all are refused while nothing is left. Default: every request costs.",
    ),
});

const concurrencyLimitSchema = z.strictObject({
  name,
  clientSelectors,
  maxParallelRequests: ruleConcurrencyLimitSchema.shape.maxParallelRequests.describe(
    "Requests that may be under way at once.",
  ),
  shared,
  shadowMode,
  statusCode,
});

const rules = <T extends z.ZodType>(rule: T) =>
  z.strictObject({
    rules: z.array(rule).min(1).max(limits.limitsPerRule).describe("The limits; all of them hold."),
  });

const limitBlocks = {
  global: rules(globalLimitSchema)
    .optional()
    .describe("Limits that all gateways of a region count together."),
  local: rules(localLimitSchema).optional().describe("Limits that each gateway isolate counts for itself."),
  concurrency: rules(concurrencyLimitSchema)
    .optional()
    .describe("Requests under way at once, counted by each gateway isolate for itself."),
};

export const rateLimitPolicySchema = z
  .strictObject({
    name: nameSchema.describe("Unique among the policies; `rateLimit.policies` refers to it."),
    ...limitBlocks,
  })
  .describe("Limits that several routes and rules refer to.");

export const rateLimitBlockSchema = z.strictObject({
  ...limitBlocks,
  policies: z.array(nameSchema).max(16).default([]).describe("Names of policies whose limits hold, too."),
});

export type NativeLimit = z.output<typeof nativeLimitSchema>;
export type NativeClientSelector = z.output<typeof clientSelectorSchema>;
export type NativeGlobalLimit = z.output<typeof globalLimitSchema>;
export type NativeLocalLimit = z.output<typeof localLimitSchema>;
export type NativeConcurrencyLimit = z.output<typeof concurrencyLimitSchema>;
export type NativeRateLimitPolicy = z.output<typeof rateLimitPolicySchema>;
export type NativeRateLimit = z.output<typeof rateLimitBlockSchema>;
