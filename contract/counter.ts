// Counters of clients: tables with an entry for each key, what rules count in them, and where a counter is read (decision 0033).
import { z } from "zod";
import { limits } from "./limits.ts";
import { type RequestText, requestTextSchema } from "./request-text.ts";
import { responseMatchFields, statusCodesSchema } from "./response-match.ts";

/** Those that a period is counted in. */
export const rateTypes = ["RequestRate", "ErrorRate", "FailureRate", "GeneralRate"] as const;

const storedTypeSchema = z.enum([
  "RequestCount",
  "ErrorCount",
  "FailureCount",
  "ConcurrentRequests",
  "General",
  "Tag",
  ...rateTypes,
]);
/** What can be counted. */
export type CountedType = z.infer<typeof storedTypeSchema>;

/** Entry: whether there is one: 1, or 0. */
export const counterTypeSchema = z.enum([...storedTypeSchema.options, "Entry"]);
export type CounterType = z.infer<typeof counterTypeSchema>;

/** Of General, GeneralRate and Tag there may be several. */
const numberedTypes: ReadonlySet<CounterType> = new Set(["General", "GeneralRate", "Tag"]);

const indexField = z
  .int()
  .min(0)
  .max(99)
  .optional()
  .describe("Which one of the General, GeneralRate or Tag counters. Default: 0.");

export const counterValueSchema = z.int().min(0).max(4_294_967_295);

const isNumbered = ({ type, index }: { type: CounterType; index?: number | undefined }): boolean =>
  index === undefined || numberedTypes.has(type);
const notNumbered = { message: `only ${[...numberedTypes].join(", ")} have numbers`, path: ["index"] };

/** A counter of an entry. */
export const counterSchema = z
  .strictObject({ type: counterTypeSchema, index: indexField })
  .refine(isNumbered, notNumbered);
export type Counter = z.infer<typeof counterSchema>;

const countedSchema = z
  .strictObject({ type: storedTypeSchema.describe("Which one."), index: indexField })
  .refine(isNumbered, notNumbered)
  .describe("A counter of the entry; its rate, if the table has one, counts along.");

/** What an entry keeps. A rate has the period that it is counted in. */
export const storedCounterSchema = z
  .strictObject({
    type: storedTypeSchema,
    index: indexField,
    periodMs: z
      .int()
      .positive()
      .max(366 * 86_400_000)
      .optional(),
  })
  .refine(isNumbered, notNumbered);
export type StoredCounter = z.infer<typeof storedCounterSchema>;

export const counterKeySchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "expected letters, digits, '.', '_' or '-', at most 64")
      .describe("Unique within the table."),
    parts: requestTextSchema.describe(
      "What of a request its entry is found by. Requests that lack one of the parts have none, and are not counted.",
    ),
  })
  .refine(({ parts }) => !readsCounters(parts), {
    message: "a key has no Counter in it",
    path: ["parts"],
  });

function readsCounters(text: RequestText): boolean {
  return text.some(({ from, parts = [] }) => from === "Counter" || readsCounters(parts));
}

export const counterTableSchema = z.strictObject({
  name: z.string().min(1).max(limits.nameChars),
  maxEntries: z.int().positive().max(limits.counterEntries),
  /** An entry goes when nothing has been counted in it for so long. Absent: when there are too many. */
  expiryMs: z.int().positive().optional(),
  counters: z.array(storedCounterSchema).min(1).max(limits.countersPerTable),
  keys: z.array(counterKeySchema).min(1).max(limits.countersPerTable),
});
export type CounterTableConfig = z.infer<typeof counterTableSchema>;

const placeFields = {
  table: z.string().min(1).max(limits.nameChars).describe("Name of a counter table."),
  key: z.string().min(1).max(64).describe("Name of one of its keys."),
};

/** Something that a rule counts. */
export const countingSchema = z
  .discriminatedUnion("type", [
    z.strictObject({
      type: z
        .literal("Track")
        .describe(
          "The request, its body, and what it is answered: whatever the table has counters of (HAProxy `track-sc`).",
        ),
      ...placeFields,
    }),
    z.strictObject({
      type: z.enum(["Add", "Set"]).describe("A counter is raised by the value, or becomes the value."),
      ...placeFields,
      counter: countedSchema.refine(({ type }) => !isRate(type), {
        message: "rates go with their counters, which are added to",
        path: ["type"],
      }),
      value: z.int().min(0).max(4_294_967_295).default(1).describe("How much. Default: 1."),
      responses: z
        .strictObject({
          statusCodes: statusCodesSchema.optional().describe("Statuses, one of which holds."),
          ...responseMatchFields,
        })
        .optional()
        .describe(
          "Answers of backends, at which it is counted. Default: when the request has been matched, whatever is answered.",
        ),
    }),
  ])
  .describe("Something that is counted of the rule's requests, one after the other.");
export type Counting = z.infer<typeof countingSchema>;

export function isRate(type: CounterType): boolean {
  return rateTypes.some((rate) => rate === type);
}

/** The same text for the same counter of an entry. */
export function counterId({ type, index = 0 }: Counter): string {
  return index === 0 ? type : `${type}/${index}`;
}

/** How a text names a counter: `<table>/<key>/<counter>`, `web/client/General/1`. */
export interface CounterReference {
  readonly table: string;
  readonly key: string;
  readonly counter: Counter;
}

export function counterReference({ table, key, counter }: CounterReference): string {
  return `${table}/${key}/${counterId(counter)}`;
}

/** `undefined`: it is none. */
export function parseCounterReference(text: string): CounterReference | undefined {
  const [, table, key, type, index] = /^(.+)\/([^/]+)\/([A-Za-z]+)(?:\/([0-9]+))?$/.exec(text) ?? [];
  const counter = counterSchema.safeParse({ type, ...(index !== undefined && { index: Number(index) }) });
  return counter.success ? { table: table!, key: key!, counter: counter.data } : undefined;
}
