// The path condition of a match, compiled: what the indexes are built from, and a predicate for where there is none.
import type { PathMatch } from "#contract/http-route.ts";
import { normalizePath } from "./path.ts";
import type { Pattern } from "./pattern/pattern.ts";

/** Compiles a pattern, or finds it compiled: many routes use the same few, and share their automata. */
export type PatternCompiler = (source: string) => Pattern;

export type PathMatcher =
  | { readonly type: "Exact"; readonly value: string; readonly ignoreCase: boolean }
  /** Without trailing slash; empty for `/`. */
  | { readonly type: "PathPrefix"; readonly value: string; readonly ignoreCase: boolean }
  | { readonly type: "RegularExpression"; readonly value: string; readonly pattern: Pattern };

/** Throws an error whose message says why the path cannot be matched. */
export function compilePathMatcher(path: PathMatch, compilePattern: PatternCompiler): PathMatcher {
  if (path.type === "RegularExpression") {
    return { type: path.type, value: path.value, pattern: compilePattern(path.value) };
  }
  // Requests arrive normalised, so a value in another spelling would never match.
  const value = normalizePath(path.value);
  if (value === undefined) throw new Error(`path ${JSON.stringify(path.value)} is not well formed`);
  const ignoreCase = path.ignoreCase ?? false;
  if (path.type === "Exact") return { type: path.type, value, ignoreCase };
  return { type: path.type, value: value.endsWith("/") ? value.slice(0, -1) : value, ignoreCase };
}

/** Whether a normalised path fulfils the condition. */
export function pathMatches(matcher: PathMatcher, path: string): boolean {
  if (matcher.type === "RegularExpression") return matcher.pattern.test(path);
  const { value } = matcher;
  const start = matcher.ignoreCase ? foldPath(path.slice(0, value.length)) : path.slice(0, value.length);
  if (start !== (matcher.ignoreCase ? foldPath(value) : value)) return false;
  return path.length === value.length || (matcher.type === "PathPrefix" && path.charAt(value.length) === "/");
}

/** One case for all letters. Normalised paths are ASCII, so lengths stay. */
export function foldPath(path: string): string {
  return path.toLowerCase();
}
