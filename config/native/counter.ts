// Counter tables as users write them (docs/counters.md), and what the snapshot has of them.
import { z } from "zod";
import {
  counterKeySchema,
  type CounterTableConfig,
  counterTableSchema,
  isRate,
  storedCounterSchema,
} from "#contract/counter.ts";
import { durationMs, durationSchema } from "#contract/duration.ts";
import { limits } from "#contract/limits.ts";
import { nameSchema } from "#contract/snapshot.ts";

const nativeCounterSchema = z
  .strictObject({
    type: storedCounterSchema.shape.type.describe(
      "RequestCount, ErrorCount and FailureCount: requests that are tracked, those answered 400 to 499, and those that a backend answers 500 to 599, but not 501 or 505. ConcurrentRequests: those that are under way. General and Tag: what rules add and set. Rates: as many in a period.",
    ),
    index: storedCounterSchema.shape.index,
    period: durationSchema.optional().describe("Of rates, and of no others: the time that is looked back."),
  })
  .refine(({ type, period }) => isRate(type) === (period !== undefined), {
    message: "expected a period for a rate, and none for other counters",
    path: ["period"],
  })
  .refine(({ type, index }) => index === undefined || /^(?:General|GeneralRate|Tag)$/.test(type), {
    message: "only General, GeneralRate and Tag have numbers",
    path: ["index"],
  })
  .describe("A counter that each entry has.");

export const nativeCounterTableSchema = z
  .strictObject({
    name: nameSchema.describe("Unique among the counter tables; rules refer to it."),
    maxEntries: counterTableSchema.shape.maxEntries.describe(
      "Entries in each process of a gateway; beyond, those go that were not used for the longest time.",
    ),
    expiry: durationSchema
      .optional()
      .describe(
        "An entry goes when nothing was counted in it for so long. Default: when there are too many.",
      ),
    counters: z.array(nativeCounterSchema).min(1).max(limits.countersPerTable).describe("What is counted."),
    keys: z
      .array(counterKeySchema)
      .min(1)
      .max(limits.countersPerTable)
      .describe("How requests find their entry. Keys of one table that are the same text are one entry."),
  })
  .describe(
    "Counters of clients, or of whatever else requests have in common, in each process of a gateway.",
  );

export type NativeCounterTable = z.infer<typeof nativeCounterTableSchema>;

export function compileCounterTable({ expiry, counters, ...table }: NativeCounterTable): CounterTableConfig {
  return {
    ...table,
    ...(expiry !== undefined && durationMs(expiry) > 0 && { expiryMs: durationMs(expiry) }),
    counters: counters.map(({ type, index, period }) => ({
      type,
      ...(index !== undefined && { index }),
      ...(period !== undefined && { periodMs: Math.max(1, durationMs(period)) }),
    })),
  };
}
