// Conditions on texts that are put together from the request, where no other condition looks at what they look at.
import { z } from "zod";
import { clientCidrsSchema } from "./client-cidrs.ts";
import { limits } from "./limits.ts";
import { patternError } from "./pattern/parse-pattern.ts";
import { requestTextSchema, type TextPart } from "./request-text.ts";

/** What each type compares with. */
const fieldOf = {
  Exact: "value",
  RegularExpression: "value",
  InRange: "range",
  InNetworks: "cidrs",
  Present: undefined,
} as const;

export const textMatchSchema = z
  .strictObject({
    parts: requestTextSchema.describe(
      "What the text is put together from. A request that lacks one of the parts does not match.",
    ),
    missingIsEmpty: z
      .boolean()
      .optional()
      .describe("Whether parts that a request lacks are empty instead. Default: false."),
    type: z
      .enum(["Exact", "RegularExpression", "Present", "InRange", "InNetworks"])
      .default("Exact")
      .describe(
        "How the text is compared. InRange: the number that it begins with; InNetworks: one of its addresses, between commas. Default: Exact.",
      ),
    value: z.string().max(4096).optional().describe("Text, or regular expression for the whole text."),
    valueFrom: requestTextSchema
      .optional()
      .describe("In place of the `value` of Exact: what the text to compare with is put together from."),
    range: z
      .strictObject({
        min: z.int().optional().describe("Default: no lower bound."),
        max: z.int().optional().describe("Default: no upper bound."),
      })
      .optional()
      .describe("Numbers from `min` to `max`, both included."),
    cidrs: clientCidrsSchema.optional().describe("Networks, one of which has the address."),
  })
  .superRefine((match, context) => {
    const fail = (message: string, ...path: (string | number)[]): void =>
      context.addIssue({ code: "custom", message, path, input: match });
    const wanted = fieldOf[match.type];
    for (const field of ["value", "range", "cidrs"] as const) {
      const isElsewhere = field === "value" && match.type === "Exact" && match.valueFrom !== undefined;
      if ((match[field] !== undefined) === (field === wanted && !isElsewhere)) continue;
      if (isElsewhere) fail("expected value or valueFrom, one of them", field);
      else fail(field === wanted ? `${match.type} needs ${field}` : `${match.type} has no ${field}`, field);
    }
    if (match.valueFrom && match.type !== "Exact") fail(`${match.type} has no valueFrom`, "valueFrom");
    for (const field of ["parts", "valueFrom"] as const) {
      for (const [index, part] of (match[field] ?? []).entries()) {
        if (isOfListener(part)) fail("a listener has one; give it routes of its own", field, index, "from");
      }
    }
    if (match.type !== "RegularExpression" || match.value === undefined) return;
    const message =
      match.value.length > limits.regexChars
        ? `longer than ${limits.regexChars} characters`
        : patternError(match.value);
    if (message !== undefined) fail(message, "value");
  });

function isOfListener({ from, parts = [] }: TextPart): boolean {
  return from === "Scheme" || from === "Port" || parts.some(isOfListener);
}

export type TextMatch = z.infer<typeof textMatchSchema>;
