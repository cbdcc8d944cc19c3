// exact, prefix or regex → conditions of the model. Regular expressions are RE2's and match the whole value, as here.
import { literal } from "../../pattern-text.ts";
import type { StringMatch } from "../kinds/values.ts";

export type ValueCondition =
  { readonly type: "Present" } | { readonly type: "Exact" | "RegularExpression"; readonly value: string };

/** Nothing, and the expression `*`, which is none, ask whether there is a value at all (`canBeConvertedToPresentMatch`). */
export function isPresence(match: StringMatch | null): boolean {
  const { exact, prefix, regex } = match ?? {};
  return (exact === undefined && prefix === undefined && regex === undefined) || regex === "*";
}

export function valueCondition(match: StringMatch | null): ValueCondition {
  const { exact, prefix, regex } = match ?? {};
  if (isPresence(match)) return { type: "Present" };
  if (exact !== undefined && exact !== "") return { type: "Exact", value: exact };
  return { type: "RegularExpression", value: exact === "" ? "(?:)" : pattern(prefix, regex) };
}

function pattern(prefix: string | undefined, regex: string | undefined): string {
  return prefix === undefined ? regex || "(?:)" : `${literal(prefix)}.*`;
}

/** Whether a text that is known here compares; `undefined`: the expression is not valid. */
export function holdsFor(match: StringMatch, text: string): boolean | undefined {
  if (isPresence(match)) return true;
  if (match.exact !== undefined) return match.exact === text;
  if (match.prefix !== undefined) return text.startsWith(match.prefix);
  try {
    return new RegExp(`^(?:${match.regex})$`, "u").test(text);
  } catch {
    return undefined;
  }
}
