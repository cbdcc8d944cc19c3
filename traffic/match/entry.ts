// One match of one rule, compiled: what the indexes store and the scan over candidates asks.
import type { RouteMatch } from "#contract/http-route.ts";
import type { SnapshotRoute, SnapshotRule } from "#contract/snapshot.ts";
import { compileConditions, type Condition, firstOfEach } from "./condition.ts";
import { compilePathMatcher, type PathMatcher, type PatternCompiler } from "./path-matcher.ts";
import type { RequestFacts } from "./request-facts.ts";

/** The rule that a request falls to. One object per match of the snapshot, shared by all requests. */
export interface RuleMatch {
  readonly route: SnapshotRoute;
  readonly rule: SnapshotRule;
  readonly match: RouteMatch;
  /** Characters of the path that a PathPrefix matched, without trailing slash; 0 for `/` and for other types. */
  readonly prefixChars: number;
}

export interface Entry {
  readonly result: RuleMatch;
  readonly path: PathMatcher;
  readonly conditions: readonly Condition[];
  readonly rank: Rank;
}

/** What precedence compares, see `precedence.ts`. */
export interface Rank {
  readonly pathChars: number;
  readonly ignoreCase: boolean;
  readonly method: boolean;
  readonly headers: number;
  readonly queryParams: number;
  readonly cookies: number;
  readonly claims: number;
  readonly client: boolean;
  /** Further conditions and exclusions. */
  readonly exclusions: number;
  readonly priority: number;
  /** Of the rule in its route. */
  readonly ruleIndex: number;
  readonly matchIndex: number;
}

/** Throws an error whose message says why the match cannot be used. */
export function compileEntry(
  route: SnapshotRoute,
  ruleIndex: number,
  matchIndex: number,
  compilePattern: PatternCompiler,
): Entry {
  const rule = route.rules[ruleIndex]!;
  const match = rule.matches[matchIndex]!;
  const path = compilePathMatcher(match.path, compilePattern);
  return {
    result: {
      route,
      rule,
      match,
      prefixChars: path.type === "PathPrefix" ? path.value.length : 0,
    },
    path,
    conditions: compileConditions(match, compilePattern),
    rank: {
      pathChars: path.value.length,
      ignoreCase: path.type !== "RegularExpression" && path.ignoreCase,
      method: match.method !== undefined,
      headers: firstOfEach(match.headers, true).length,
      queryParams: firstOfEach(match.queryParams).length,
      cookies: firstOfEach(match.cookies).length,
      claims: firstOfEach(match.claims).length,
      client: match.clientCIDRs !== undefined,
      exclusions: (match.and?.length ?? 0) + (match.not?.length ?? 0),
      priority: rule.priority ?? 0,
      ruleIndex,
      matchIndex,
    },
  };
}

/** Whether method and conditions hold; the caller has found that the path does. */
export function admits(entry: Entry, facts: RequestFacts): boolean {
  const { method } = entry.result.match;
  if (method !== undefined && method !== facts.head.method) return false;
  for (const condition of entry.conditions) {
    if (!condition(facts)) return false;
  }
  return true;
}
