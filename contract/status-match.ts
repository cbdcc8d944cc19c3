// Statuses of responses, one by one or in ranges (Envoy Gateway `StatusCodeMatch`).
import { z } from "zod";

export const statusSchema = z.int().min(200).max(599);

export const statusMatchSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("Value"), value: statusSchema.describe("One status.") }),
  z.strictObject({
    type: z.literal("Range"),
    range: z
      .strictObject({
        start: statusSchema.describe("First status."),
        end: statusSchema.describe("Last status."),
      })
      .refine(({ start, end }) => start <= end, { message: "expected a start of at most the end" })
      .describe("Statuses from start to end, both included."),
  }),
]);

export type StatusMatch = z.infer<typeof statusMatchSchema>;

export function statusesOf(match: StatusMatch): number[] {
  const { start, end } = match.type === "Value" ? { start: match.value, end: match.value } : match.range;
  return Array.from({ length: end - start + 1 }, (_, index) => start + index);
}
