// Regular expressions of `replace-path`, `replace-header` and their like: where one is found, all of the text is replaced.
import { patternError } from "#contract/pattern/parse-pattern.ts";
import type { PathModifier } from "#contract/http-route.ts";
import { unsupported } from "../statement-problem.ts";
import { parseFormat } from "./format.ts";

export type RegexReplacement = Extract<PathModifier, { type: "ReplaceRegexMatch" }>;

/** The same expression for the whole text, its groups unchanged. */
export function wholeMatch(pattern: string): string {
  const isChoice = pattern.includes("|");
  const start = !isChoice && pattern.startsWith("^") ? "" : "^.*?";
  const end = !isChoice && /(?:^|[^\\])(?:\\\\)*\$$/.test(pattern) ? "" : ".*$";
  return start + (isChoice ? `(?:${pattern})` : pattern) + end;
}

/** `substitution`: `\1` is the first group. Throws `StatementProblem`. */
export function regexReplacement(pattern: string, substitution: string): RegexReplacement {
  const problem = patternError(pattern);
  if (problem !== undefined) {
    unsupported(
      `the expression cannot run in linear time: ${problem}`,
      "Write it without look-around and back-references.",
    );
  }
  return { type: "ReplaceRegexMatch", replaceRegexMatch: { pattern, substitution } };
}

/** Words and groups of a replacement's format; `undefined`: it depends on the request beyond the expression's groups. */
export function substitutionOf(format: string): string | undefined {
  const pieces = parseFormat(format);
  const texts = pieces.flatMap((piece) => (piece.kind === "text" ? [piece.text] : []));
  return texts.length === pieces.length ? texts.join("") : undefined;
}
