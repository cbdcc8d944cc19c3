// What two conditions on the path have in common.
import type { PathMatch } from "#contract/http-route.ts";
import { literal } from "../pattern-text.ts";
import type { PatternRelations } from "./pattern-relation.ts";

/** Whether `outer` takes every path that `inner` takes; false also where it is too much to find out. */
export function includesPath(outer: PathMatch, inner: PathMatch, patterns: PatternRelations): boolean {
  if (isEveryPath(outer)) return true;
  if (outer.type === "RegularExpression" || inner.type === "RegularExpression") {
    return (
      (outer.type === inner.type && outer.value === inner.value) ||
      patterns.includes(patternOf(outer), patternOf(inner), "paths")
    );
  }
  if (inner.ignoreCase && !outer.ignoreCase) return false;
  const [wide, narrow] = [pathKey(outer, outer.ignoreCase), pathKey(inner, outer.ignoreCase)];
  if (outer.type === "Exact") return inner.type === "Exact" && wide === narrow;
  return narrow === wide || narrow.startsWith(`${wide}/`);
}

/** Whether no path fulfils both; false also where it is too much to find out. */
export function excludesPath(one: PathMatch, other: PathMatch, patterns: PatternRelations): boolean {
  if (isEveryPath(one) || isEveryPath(other)) return false;
  if (one.type === "RegularExpression" || other.type === "RegularExpression") {
    return patterns.excludes(patternOf(one), patternOf(other), "paths");
  }
  const folds = one.ignoreCase || other.ignoreCase;
  const folded = [one, other].map(({ type, value }) => ({
    type,
    value: folds ? value.toLowerCase() : value,
  }));
  return !includesPath(folded[0]!, folded[1]!, patterns) && !includesPath(folded[1]!, folded[0]!, patterns);
}

export function isEveryPath({ type, value }: PathMatch): boolean {
  return type === "PathPrefix" && value === "/";
}

/** Paths that are the same to the matcher: `/a` and `/a/` are one prefix. */
export function pathKey({ type, value }: PathMatch, ignoreCase: boolean | undefined): string {
  const bare = type === "PathPrefix" ? value.replace(/\/$/, "") : value;
  return ignoreCase ? bare.toLowerCase() : bare;
}

function patternOf(path: PathMatch): string {
  if (path.type === "RegularExpression") return path.value;
  const text = `${path.ignoreCase ? "(?i)" : ""}${literal(pathKey(path, false))}`;
  return path.type === "Exact" ? text : `${text}(?:/.*)?`;
}
