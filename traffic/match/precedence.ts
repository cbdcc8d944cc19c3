// Which of several matching rules wins, as the Gateway API orders them (HTTPRouteRule.matches).
import type { Entry, EntryPath } from "./entry.ts";

/** Regular expressions rank between Exact and PathPrefix, longest source first, as in Envoy Gateway. */
const pathRank: Readonly<Record<EntryPath["type"], number>> = {
  Exact: 0,
  RegularExpression: 1,
  PathPrefix: 2,
};

/**
 * Negative when `a` wins. Within one host: path type, path length, method, number of headers, number of query
 * parameters, route name, order of rules and matches within the route. The order of routes never counts.
 */
export function comparePrecedence(a: Entry, b: Entry): number {
  return (
    pathRank[a.path.type] - pathRank[b.path.type] ||
    b.rank.pathChars - a.rank.pathChars ||
    Number(b.rank.method) - Number(a.rank.method) ||
    b.rank.headers - a.rank.headers ||
    b.rank.queryParams - a.rank.queryParams ||
    compareNames(a.result.route.name, b.result.route.name) ||
    a.result.ruleIndex - b.result.ruleIndex ||
    a.rank.matchIndex - b.rank.matchIndex
  );
}

/** Code-unit order, the same in every locale. */
function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
