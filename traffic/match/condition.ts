// Conditions of a match beyond path and method, compiled to predicates. All conditions of one match hold together.
import type { HeaderMatch, QueryParamMatch, RouteMatch } from "#contract/http-route.ts";
import { compilePattern } from "./pattern/pattern.ts";
import type { RequestFacts } from "./request-facts.ts";

export type Condition = (facts: RequestFacts) => boolean;

/** Throws `PatternSyntaxError`. */
export function compileConditions(match: RouteMatch): Condition[] {
  return [
    ...effectiveHeaders(match).map(headerCondition),
    ...effectiveQueryParams(match).map(queryParamCondition),
  ];
}

/** Header matches that count: of several with one name only the first (Gateway API `HTTPHeaderMatch.name`). */
export function effectiveHeaders(match: RouteMatch): HeaderMatch[] {
  return firstOfEach(match.headers, (header) => header.name.toLowerCase());
}

/** As {@link effectiveHeaders}; names of query parameters compare with case. */
export function effectiveQueryParams(match: RouteMatch): QueryParamMatch[] {
  return firstOfEach(match.queryParams, (param) => param.name);
}

function firstOfEach<T>(items: readonly T[], key: (item: T) => string): T[] {
  const seen = new Set<string>();
  return items.filter((item) => !seen.has(key(item)) && seen.add(key(item)));
}

function headerCondition(match: HeaderMatch): Condition {
  const name = match.name.toLowerCase();
  const holds = valueTest(match);
  return (facts) => holds(facts.header(name));
}

function queryParamCondition(match: QueryParamMatch): Condition {
  const holds = valueTest(match);
  return (facts) => holds(facts.queryParam(match.name));
}

function valueTest(match: HeaderMatch | QueryParamMatch): (value: string | null) => boolean {
  const expected = match.value;
  if (match.type === "Exact") return (value) => value === expected;
  const pattern = compilePattern(expected);
  return (value) => value !== null && pattern.test(value);
}
