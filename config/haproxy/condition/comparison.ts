// Comparisons with numbers (§7.1.2): `gt 5`, `1:3 7`, `:9`.
import { invalid, unsupported } from "../statement-problem.ts";

export interface Comparison {
  /** `eq` where none is written. */
  readonly operator: string;
  /** At least one. */
  readonly words: readonly string[];
}

/** `what` is compared with. Throws `StatementProblem`. */
export function splitComparison(patterns: readonly string[], what = "number"): Comparison {
  const [first = "", ...others] = patterns;
  const isNamed = /^(?:eq|ge|gt|le|lt)$/.test(first);
  const words = isNamed ? others : patterns;
  if (words.length === 0) invalid(`expected a ${what} to compare with`);
  return { operator: isNamed ? first : "eq", words };
}

/** As `min:max`, either of which may be missing. Throws `StatementProblem`. */
export function readRanges(patterns: readonly string[]): string[] {
  const { operator, words } = splitComparison(patterns);
  return words.map((text) => {
    const found = /^(-?[0-9]{1,15})?(:)?(-?[0-9]{1,15})?$/.exec(text);
    if (!found || text === "" || text === ":") {
      return unsupported(`expected a number; found ${JSON.stringify(text)}`, "List the numbers one by one.");
    }
    const [, min = "", colon, max = ""] = found;
    const [low, high] = colon === undefined ? [min, min] : [min, max];
    switch (operator) {
      case "gt":
        return `${BigInt(high || "0") + 1n}:`;
      case "ge":
        return `${low}:`;
      case "lt":
        return `:${BigInt(low || "0") - 1n}`;
      case "le":
        return `:${high}`;
      default:
        return `${low}:${high}`;
    }
  });
}
