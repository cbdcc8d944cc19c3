// `block-user-agents` and `block-referers`: who is answered 403 on all hosts, before anything else is looked at.
import { patternError } from "#contract/pattern/parse-pattern.ts";
import { limits } from "#contract/limits.ts";
import { literal } from "../../pattern-text.ts";
import { joinMatches, type MatchInput, type RuleInput } from "../rule-parts.ts";
import type { Controller } from "./controller.ts";

const headers = { "block-user-agents": "User-Agent", "block-referers": "Referer" } as const;

/** Conditions, one of which holds for a blocked request. */
export function readBlockedClients({ settings }: Controller): MatchInput[] {
  return Object.entries(headers).flatMap(([name, header]) => {
    const patterns = settings.list(name).flatMap((text) => {
      const pattern = patternOf(text);
      const problem = patternError(pattern);
      if (problem === undefined) return pattern;
      settings.unsupported(name, `${JSON.stringify(text)} is not possible in linear time: ${problem}`);
      return [];
    });
    return joined(patterns).map((value) => ({
      headers: [{ type: "RegularExpression" as const, name: header, value }],
    }));
  });
}

/** As in a `map` of nginx: a whole value in any case, or an expression that is searched for. */
function patternOf(text: string): string {
  const [, operator, pattern = ""] = /^(~\*?)(.*)$/s.exec(text.replace(/^"(.*)"$/s, "$1")) ?? [];
  if (operator === undefined) return `(?i:${literal(text.replace(/^\\|^"|"$/g, ""))})`;
  return operator === "~*" ? `.*(?i:${pattern}).*` : `.*(?:${pattern}).*`;
}

/** As few as the longest expression allows. */
function joined(patterns: readonly string[]): string[] {
  const result: string[] = [];
  for (const pattern of patterns) {
    const last = result.at(-1);
    const longer = last && `${last}|${pattern}`;
    if (longer !== undefined && longer.length <= limits.regexChars) result[result.length - 1] = longer;
    else result.push(pattern);
  }
  return result;
}

/** What the clients get. */
export function blockedRules(blocked: readonly MatchInput[], ...others: MatchInput[]): RuleInput[] {
  return blocked.map((match) => ({
    matches: [joinMatches([...others, match])],
    filters: [{ type: "DirectResponse", directResponse: { statusCode: 403 } }],
  }));
}
