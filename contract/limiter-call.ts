// What an isolate and a RateLimiter object say to each other: one call carries everything that the isolate has to ask of
// that object at the moment. Limits travel along, because objects hold no snapshot.
import { z } from "zod";
import { limits } from "./limits.ts";
import { leaseAskSchema, leaseReplySchema, limitSchema } from "./rate-limit.ts";

const keySchema = z.string().min(1).max(8_192);
/** Index into the call's `limits`. */
const limitIndexSchema = z.int().min(0);
const unitsSchema = z.int().min(0).max(1_000_000_000);
const most = limits.asksPerLimiterCall;

export const limiterCallSchema = z.strictObject({
  /** Id of the isolate. */
  holder: leaseAskSchema.shape.holder,
  limits: z.array(limitSchema).max(most * limits.limitsPerRule),
  /** Units to be spent by the isolate later on. */
  leases: z
    .array(leaseAskSchema.omit({ holder: true }).extend({ key: keySchema, limit: limitIndexSchema }))
    .max(most),
  /** Requests that ask for themselves, each with its limits: all that are `enforced` allow it, or nothing is spent. */
  spends: z
    .array(
      z
        .array(
          z.strictObject({
            key: keySchema,
            limit: limitIndexSchema,
            cost: unitsSchema,
            enforced: z.boolean(),
          }),
        )
        .min(1)
        .max(limits.limitsPerRule),
    )
    .max(most),
  /** Units spent at `spentMs` (the limiter's clock) for a request that another limit refused. */
  returns: z
    .array(
      z.strictObject({ key: keySchema, limit: limitIndexSchema, units: unitsSchema, spentMs: z.number() }),
    )
    .max(most),
});
export type LimiterCall = z.infer<typeof limiterCallSchema>;
export type SpendAsk = LimiterCall["spends"][number][number];

export const spendReplySchema = z.strictObject({
  allowed: z.boolean(),
  remaining: unitsSchema,
  /** Absent: the cost is above what can ever be spent at once. */
  retryAfterMs: z.number().min(0).optional(),
  resetAfterMs: z.number().min(0),
});
export type SpendReply = z.infer<typeof spendReplySchema>;

/** Replies in the order of the asks. */
export const limiterAnswerSchema = z.strictObject({
  /** The limiter's clock. */
  nowMs: z.number(),
  /** Isolates that have called this object of late. */
  holders: z.int().positive(),
  leases: z.array(leaseReplySchema),
  spends: z.array(z.array(spendReplySchema)),
});
export type LimiterAnswer = z.infer<typeof limiterAnswerSchema>;
