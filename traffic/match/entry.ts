// One match of one rule, compiled: what the indexes store and the scan over candidates asks.
import type { RouteMatch } from "#contract/http-route.ts";
import type { SnapshotRoute, SnapshotRule } from "#contract/snapshot.ts";
import { compileConditions, type Condition, effectiveHeaders, effectiveQueryParams } from "./condition.ts";
import { normalizePath } from "./path.ts";
import type { Pattern } from "./pattern/pattern.ts";
import type { RequestFacts } from "./request-facts.ts";

/** The rule that a request falls to. One object per match of the snapshot, shared by all requests. */
export interface RuleMatch {
  readonly route: SnapshotRoute;
  readonly rule: SnapshotRule;
  /** Dense over all rules of the snapshot, in its order: an index for tables that are compiled beside the matcher. */
  readonly ruleIndex: number;
  readonly match: RouteMatch;
  /** Characters of the path that a PathPrefix matched, without trailing slash; 0 for `/` and for other types. */
  readonly prefixChars: number;
}

export interface Entry {
  readonly result: RuleMatch;
  readonly path: EntryPath;
  readonly conditions: readonly Condition[];
  readonly rank: Rank;
}

export type EntryPath =
  | { readonly type: "Exact"; readonly value: string }
  /** Without trailing slash; empty for `/`. */
  | { readonly type: "PathPrefix"; readonly value: string }
  | { readonly type: "RegularExpression"; readonly value: string; readonly pattern: Pattern };

/** What precedence compares, see `precedence.ts`. */
export interface Rank {
  readonly pathChars: number;
  readonly method: boolean;
  readonly headers: number;
  readonly queryParams: number;
  readonly matchIndex: number;
}

/** Compiles a pattern, or finds it compiled: many routes use the same few, and share their automata. */
export type PatternCompiler = (source: string) => Pattern;

/** Throws an error whose message says why the match cannot be used. */
export function compileEntry(
  route: SnapshotRoute,
  rule: SnapshotRule,
  ruleIndex: number,
  matchIndex: number,
  compilePattern: PatternCompiler,
): Entry {
  const match = rule.matches[matchIndex]!;
  const path = compilePath(match, compilePattern);
  return {
    result: {
      route,
      rule,
      ruleIndex,
      match,
      prefixChars: path.type === "PathPrefix" ? path.value.length : 0,
    },
    path,
    conditions: compileConditions(match, compilePattern),
    rank: {
      pathChars: path.value.length,
      method: match.method !== undefined,
      headers: effectiveHeaders(match).length,
      queryParams: effectiveQueryParams(match).length,
      matchIndex,
    },
  };
}

function compilePath({ path }: RouteMatch, compilePattern: PatternCompiler): EntryPath {
  if (path.type === "RegularExpression") {
    return { type: path.type, value: path.value, pattern: compilePattern(path.value) };
  }
  // Requests arrive normalised, so a value in another spelling would never match.
  const value = normalizePath(path.value);
  if (value === undefined) throw new Error(`path ${JSON.stringify(path.value)} is not well formed`);
  if (path.type === "Exact") return { type: path.type, value };
  return { type: path.type, value: value.endsWith("/") ? value.slice(0, -1) : value };
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
