// What the filters of a rule do with a request, in words.
import type { Filter } from "#contract/http-route.ts";
import { compileFilters } from "../filter/compile.ts";
import { targetText } from "../filter/target.ts";
import { redirectLocation, type RedirectedRequest } from "../filter/redirect.ts";
import type { RuleMatch } from "../match/matcher.ts";

export interface FilterExplanation {
  readonly type: Filter["type"];
  readonly effect: string;
  /** The filter answers; no backend is asked. */
  readonly answers: boolean;
}

export function explainFilters(
  { rule, prefixChars }: RuleMatch,
  request: RedirectedRequest,
): FilterExplanation[] {
  return rule.filters.map((filter) => explainFilter(filter, request, prefixChars));
}

function explainFilter(filter: Filter, request: RedirectedRequest, prefixChars: number): FilterExplanation {
  const { redirect, rewrite, directResponse } = compileFilters([filter]);
  const { type } = filter;
  if (redirect) {
    const effect = `${redirect.statusCode} to ${redirectLocation(redirect, request, prefixChars)}`;
    return { type, effect, answers: true };
  }
  if (directResponse) return { type, effect: `answers ${directResponse.status}`, answers: true };
  if (rewrite) {
    const host = rewrite.hostname === undefined ? "" : `host ${rewrite.hostname} `;
    const target = rewrite.target?.(request);
    if (target) return { type, effect: `${host}target ${targetText(target)}`, answers: false };
    const path = rewrite.path === undefined ? "" : `path ${rewrite.path(request.path, prefixChars)}`;
    return { type, effect: `${host}${path}`.trim(), answers: false };
  }
  const { type: _type, ...settings } = filter;
  return { type, effect: JSON.stringify(Object.values(settings)[0]), answers: false };
}
