// Rate limits: the policy as the snapshot carries it, and what an isolate and the limiter object say to each other.
import { z } from "zod";
import {
  clientCidrsSchema,
  cookieMatchSchema,
  headerMatchSchema,
  headerNameSchema,
  methodSchema,
  pathMatchSchema,
  queryParamMatchSchema,
} from "./http-route.ts";
import { statusCodesSchema } from "./response-match.ts";

/** HAProxy `deny_status`, nginx `limit_req_status`. */
export const refusalStatusSchema = z.int().min(400).max(599);

const units = z.int().min(0).max(1_000_000_000);

export const limitSchema = z.strictObject({
  /** TokenBucket is GCRA; FixedWindow starts anew at multiples of the window; SlidingWindow weighs the window before. */
  algorithm: z.enum(["TokenBucket", "FixedWindow", "SlidingWindow"]).default("TokenBucket"),
  requests: z.int().positive().max(1_000_000_000),
  windowMs: z
    .int()
    .positive()
    .max(366 * 86_400_000),
  /** TokenBucket: units that may be spent at once. Absent: `requests`. */
  burst: z.int().positive().max(1_000_000_000).optional(),
});
export type Limit = z.infer<typeof limitSchema>;

/** What tells one client from another; several parts make a combined key. */
export const limitKeyPartSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("ClientIP"),
    /** Bits of an IPv6 address that count; absent: 64, what one customer is given (RFC 6177). */
    ipv6PrefixLength: z.int().min(1).max(128).optional(),
  }),
  z.strictObject({ type: z.literal("Header"), name: headerNameSchema }),
  z.strictObject({ type: z.literal("Cookie"), name: headerNameSchema }),
  z.strictObject({ type: z.literal("Claim"), name: z.string().min(1).max(256) }),
  z.strictObject({ type: z.literal("Route") }),
]);
export type LimitKeyPart = z.infer<typeof limitKeyPartSchema>;

export const rateLimitSchema = z.strictObject({
  /** Name of the quota policy in the RateLimit headers. */
  name: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, "expected letters, digits, '.', '_' or '-', at most 64"),
  /** `strict`: every request asks the limiter. `leased`: isolates spend from prepaid leases (traffic/limit/lease-terms.ts). */
  mode: z.enum(["strict", "leased"]).default("leased"),
  limit: limitSchema,
  /** Empty: all requests share one bucket. */
  key: z.array(limitKeyPartSchema).max(8).default([]),
  /** Keys with a limit of their own: the values of the key's parts, in their order. */
  overrides: z
    .array(z.strictObject({ key: z.array(z.string().max(1024)).min(1).max(8), limit: limitSchema }))
    .max(1_024)
    .default([]),
  /** Units one request costs. */
  cost: units.default(1),
  /** Decide, count and report, but never refuse. */
  shadowMode: z.boolean().default(false),
  /** Status of a refusal. Absent: 429. */
  statusCode: refusalStatusSchema.optional(),
  /** When the limiter cannot be reached: let all pass, refuse all, or limit by a fair share within the isolate. */
  onUnavailable: z.enum(["allow", "deny", "local"]).default("local"),
});
export type RateLimit = z.infer<typeof rateLimitSchema>;

/** Requests that a limit is for, or is not for: all of these hold together. */
export const limitedRequestSchema = z
  .strictObject({
    path: pathMatchSchema.optional().describe("Condition on the normalised path. Default: every path."),
    method: methodSchema.optional().describe("Default: every method."),
    headers: z.array(headerMatchSchema).max(16).optional().describe("Conditions on headers."),
    queryParams: z
      .array(queryParamMatchSchema)
      .max(16)
      .optional()
      .describe("Conditions on query parameters."),
    cookies: z.array(cookieMatchSchema).max(16).optional().describe("Conditions on cookies."),
    clientCIDRs: clientCidrsSchema.optional().describe("Networks, one of which has the client's address."),
  })
  .refine((request) => Object.values(request).some((field) => field !== undefined), {
    message: "expected at least one condition; this is every request",
  });

/** Which requests a limit counts: those for which all of these hold. */
export const limitConditionsSchema = z.strictObject({
  headers: z.array(headerMatchSchema).max(16).optional(),
  cookies: z.array(cookieMatchSchema).max(16).optional(),
  clientCIDRs: clientCidrsSchema.optional(),
  /** All of these hold, too. */
  and: z.array(limitedRequestSchema).max(128).optional(),
  /** None of these may hold. */
  not: z.array(limitedRequestSchema).max(128).optional(),
  /** Claims of the verified token, as text. */
  claims: z
    .array(z.strictObject({ name: z.string().min(1).max(256), value: z.string().max(1024) }))
    .max(16)
    .optional(),
});
export type LimitConditions = z.infer<typeof limitConditionsSchema>;

const limitIdSchema = z.string().min(1).max(1024);

/** A rate limit of a rule in the snapshot. */
export const ruleRateLimitSchema = rateLimitSchema.extend({
  /** Limits with the same id share their counts, whichever rules they stand in. */
  id: limitIdSchema,
  /** `global`: counted for all gateways of the region together. `local`: each isolate counts for itself, `mode` is without meaning. */
  scope: z.enum(["global", "local"]),
  conditions: limitConditionsSchema,
  /** Of a local limit: only responses with these statuses cost anything. Absent: every request does. */
  countedStatusCodes: statusCodesSchema.optional(),
});
export type RuleRateLimit = z.infer<typeof ruleRateLimitSchema>;

/** How many requests of one key may be under way in an isolate. */
export const ruleConcurrencyLimitSchema = z.strictObject({
  name: rateLimitSchema.shape.name,
  id: limitIdSchema,
  maxParallelRequests: z.int().positive().max(1_000_000),
  key: rateLimitSchema.shape.key,
  conditions: limitConditionsSchema,
  shadowMode: z.boolean(),
  statusCode: refusalStatusSchema.optional(),
});
export type RuleConcurrencyLimit = z.infer<typeof ruleConcurrencyLimitSchema>;

/** Isolate -> limiter: units wanted for one key. */
export const leaseAskSchema = z.strictObject({
  /** Id of the isolate. */
  holder: z.string().min(1).max(64),
  /** Units wanted; less may be granted. */
  wanted: units,
  /** Fewer than this are of no use: the cost of the request that waits. */
  least: units,
});
export type LeaseAsk = z.infer<typeof leaseAskSchema>;

/** Limiter -> isolate. */
export const leaseReplySchema = z.strictObject({
  granted: units,
  /** The units may be spent for this long, counted from when the isolate asked. */
  validMs: z.number().min(0),
  /** Nothing more is to be had before; 0: ask when needed. */
  againAfterMs: z.number().min(0),
  /** Isolates that use this key at present; divides the limit while the limiter cannot be reached. */
  holders: z.int().positive(),
  /** Units that the limiter still has after this grant, and when all will be there again; for the RateLimit header. */
  remaining: units.optional(),
  resetAfterMs: z.number().min(0).optional(),
});
export type LeaseReply = z.infer<typeof leaseReplySchema>;
