// A regular expression of the configuration, where it stands alone: what the parser says of it is said of the field.
import { z } from "zod";
import { limits } from "../limits.ts";
import { patternError } from "./parse-pattern.ts";

export const patternSchema = z
  .string()
  .min(1)
  .max(limits.regexChars)
  .superRefine((pattern, context) => {
    const message = patternError(pattern);
    if (message !== undefined) context.addIssue({ code: "custom", message, input: pattern });
  });
