// Which of several matching rules wins: by priority, then as the Gateway API orders them (HTTPRouteRule.matches).
import type { Entry } from "./entry.ts";
import type { PathMatcher } from "./path-matcher.ts";

/** Regular expressions rank between Exact and PathPrefix, longest source first, as in Envoy Gateway. */
const pathRank: Readonly<Record<PathMatcher["type"], number>> = {
  Exact: 0,
  RegularExpression: 1,
  PathPrefix: 2,
};

/**
 * Negative when `a` wins. Within one host: priority; path type, path length, method, number of headers, number of query
 * parameters; then what the Gateway API does not have (exact case, cookies, claims, client networks, further
 * conditions and exclusions); the older route, route name, order of rules and matches within the route. The order of routes never counts.
 */
export function comparePrecedence(a: Entry, b: Entry): number {
  return (
    b.rank.priority - a.rank.priority ||
    pathRank[a.path.type] - pathRank[b.path.type] ||
    b.rank.pathChars - a.rank.pathChars ||
    Number(b.rank.method) - Number(a.rank.method) ||
    b.rank.headers - a.rank.headers ||
    b.rank.queryParams - a.rank.queryParams ||
    Number(a.rank.ignoreCase) - Number(b.rank.ignoreCase) ||
    b.rank.cookies - a.rank.cookies ||
    b.rank.claims - a.rank.claims ||
    Number(b.rank.client) - Number(a.rank.client) ||
    b.rank.exclusions - a.rank.exclusions ||
    compareText(a.result.route.creationTimestamp ?? never, b.result.route.creationTimestamp ?? never) ||
    compareText(a.result.route.name, b.result.route.name) ||
    a.rank.ruleIndex - b.rank.ruleIndex ||
    a.rank.matchIndex - b.rank.matchIndex
  );
}

/** After every RFC 3339 time: a route that was never created anywhere is younger than all that were. */
const never = "~";

/** Code-unit order, the same in every locale. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
