// Conditions on values that have a name: headers, query parameters, cookies, claims.
import { z } from "zod";
import { headerNameSchema } from "./http-field.ts";

/** `Present` and `Absent` ask whether the name occurs at all (Envoy `present_match`); they have no value. */
export const valueMatchTypeSchema = z.enum(["Exact", "RegularExpression", "Present", "Absent"]);

export function valueMatchSchema<Name extends z.ZodType<string>>(name: Name, valueChars: number) {
  return z
    .strictObject({
      type: valueMatchTypeSchema
        .default("Exact")
        .describe("How values compare; Present and Absent have none. Default: Exact."),
      name,
      value: z
        .string()
        .max(valueChars)
        .default("")
        .describe("Value, or regular expression for the whole value."),
    })
    .superRefine(({ type, value }, context) => {
      const wantsValue = type === "Exact" || type === "RegularExpression";
      if (wantsValue === (value !== "")) return;
      const message = wantsValue ? `expected a value to compare with` : `${type} has no value`;
      context.addIssue({ code: "custom", message, path: ["value"], input: value });
    });
}

/** Header names compare without case; values with it. */
export const headerMatchSchema = valueMatchSchema(headerNameSchema.describe("Name, without case."), 4096);

export type HeaderMatch = z.infer<typeof headerMatchSchema>;
