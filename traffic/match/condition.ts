// Conditions of a match beyond path and method, compiled to predicates. All conditions of one match hold together.
import type { HeaderMatch, QueryParamMatch, RouteMatch } from "#contract/http-route.ts";
import type { Pattern } from "./pattern/pattern.ts";
import type { RequestFacts } from "./request-facts.ts";

export type Condition = (facts: RequestFacts) => boolean;

/** Throws what `compilePattern` throws. */
export function compileConditions(
  match: RouteMatch,
  compilePattern: (source: string) => Pattern,
): Condition[] {
  return [
    ...effectiveHeaders(match).map((header): Condition => {
      const name = header.name.toLowerCase();
      const holds = valueTest(header, compilePattern);
      return (facts) => holds(facts.header(name));
    }),
    ...effectiveQueryParams(match).map((param): Condition => {
      const holds = valueTest(param, compilePattern);
      return (facts) => holds(facts.queryParam(param.name));
    }),
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

function valueTest(
  match: HeaderMatch | QueryParamMatch,
  compilePattern: (source: string) => Pattern,
): (value: string | null) => boolean {
  const expected = match.value;
  if (match.type === "Exact") return (value) => value === expected;
  const pattern = compilePattern(expected);
  return (value) => value !== null && pattern.test(value);
}
