// Texts that are put together anew for each request, of fixed words and of what the client has sent.
import { z } from "zod";
import { limits } from "./limits.ts";
import { patternError } from "./pattern/parse-pattern.ts";

const namedFacts = ["Header", "QueryParam", "Cookie"] as const;

export const textFactSchema = z.enum([
  "ClientIP",
  "Scheme",
  "Host",
  "Hostname",
  "Port",
  "Method",
  "Path",
  "Query",
  "Search",
  "Target",
  ...namedFacts,
]);

const patternSchema = z
  .string()
  .min(1)
  .max(limits.regexChars)
  .superRefine((pattern, context) => {
    const message = patternError(pattern);
    if (message !== undefined) context.addIssue({ code: "custom", message, input: pattern });
  });

export const textTransformSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("Lower") }),
  z.strictObject({ type: z.literal("Upper") }),
  z.strictObject({ type: z.literal("URLEncode") }),
  z.strictObject({
    type: z.literal("ReplaceRegexMatch"),
    replaceRegexMatch: z
      .strictObject({
        pattern: patternSchema.describe(
          "Regular expression; every part of the text that matches it is replaced.",
        ),
        substitution: z.string().max(1024).describe("What stands in its place; \\\\1 is the first group."),
      })
      .describe("Parts of the text that are replaced."),
  }),
]);

const textPartSchema = z
  .strictObject({
    text: z.string().max(4096).optional().describe("Words that are the same for all requests."),
    from: textFactSchema
      .optional()
      .describe(
        "What of the client's request stands here; nothing where the request has none. Host has the port that the client sent, Hostname has none; Search is the query with its question mark; Target is path and query.",
      ),
    name: z.string().min(1).max(256).optional().describe("Of the Header, QueryParam or Cookie."),
    transforms: z
      .array(textTransformSchema)
      .min(1)
      .max(4)
      .optional()
      .describe("What is done to it, one after the other."),
  })
  .superRefine((part, context) => {
    const fail = (message: string, field: string): void =>
      context.addIssue({ code: "custom", message, path: [field], input: part });
    if ((part.text === undefined) === (part.from === undefined))
      fail("expected text or from, one of them", "text");
    const isNamed = namedFacts.some((fact) => fact === part.from);
    if (isNamed !== (part.name !== undefined))
      fail(
        isNamed ? `expected the name of the ${part.from}` : "only Header, QueryParam and Cookie have names",
        "name",
      );
    if (part.transforms && part.from === undefined) fail("words are not transformed", "transforms");
  });

export const requestTextSchema = z.array(textPartSchema).min(1).max(32);

export type TextFact = z.infer<typeof textFactSchema>;
export type TextTransform = z.infer<typeof textTransformSchema>;
export type RequestText = z.infer<typeof requestTextSchema>;
