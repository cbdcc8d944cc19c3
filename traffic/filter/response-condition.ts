// Which responses a change or a page is for: by their status and by their headers, as they are when it is asked.
import type { ResponseMatch } from "#contract/response-match.ts";
import { statusesOf } from "#contract/status-match.ts";
import type { HeaderFields } from "../forwarding/header-fields.ts";
import { type ValueMatch, valueTest } from "../match/condition.ts";
import { compilePattern } from "../match/pattern/pattern.ts";

export type ResponseCondition = (status: number | undefined, headers: HeaderFields) => boolean;

/** `undefined`: it is for every response. One that cannot be compiled holds for none: a mistake must not change responses. */
export function compileResponseCondition(match: ResponseMatch): ResponseCondition | undefined {
  try {
    return conditionOf(match);
  } catch {
    return () => false;
  }
}

function conditionOf({
  statusCodes,
  responseHeaders,
  not = [],
}: ResponseMatch): ResponseCondition | undefined {
  const conditions: ResponseCondition[] = [];
  if (statusCodes) {
    const statuses = new Set(statusCodes.flatMap(statusesOf));
    conditions.push((status) => status !== undefined && statuses.has(status));
  }
  for (const match of responseHeaders ?? []) conditions.push(headerCondition(match));
  for (const exclusion of not) {
    const excluded = conditionOf(exclusion);
    if (excluded) conditions.push((status, headers) => !excluded(status, headers));
  }
  if (conditions.length <= 1) return conditions[0];
  return (status, headers) => conditions.every((condition) => condition(status, headers));
}

function headerCondition(match: ValueMatch): ResponseCondition {
  const name = match.name.toLowerCase();
  const holds = valueTest(match, compilePattern);
  return (_status, headers) => holds(headers.get(name));
}
