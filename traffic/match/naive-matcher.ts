// The matcher's oracle in tests and benchmarks: reads the configuration literally, looks at every rule for every
// request, sorts what matches. Shares nothing with the indexes of the fast matcher.
import type { HeaderMatch, RouteMatch } from "#contract/http-route.ts";
import type { Snapshot, SnapshotRoute, SnapshotRule } from "#contract/snapshot.ts";
import { normalizePath } from "./path.ts";
import { compilePattern } from "./pattern/pattern.ts";
import type { RequestHead } from "./request-head.ts";

interface Candidate {
  readonly route: SnapshotRoute;
  readonly rule: SnapshotRule;
  readonly ruleIndex: number;
  readonly match: RouteMatch;
  /** Compared element by element, smaller wins. */
  readonly key: readonly (number | string)[];
}

export interface NaiveMatch {
  readonly route: SnapshotRoute;
  readonly rule: SnapshotRule;
  readonly ruleIndex: number;
  readonly match: RouteMatch;
}

/** The winning rule, found the slow way. Rules with a malformed match never match. */
export function naiveMatch(
  snapshot: Snapshot,
  listenerName: string,
  head: RequestHead,
): NaiveMatch | undefined {
  const found = winner(snapshot, listenerName, head, head.path);
  if (!found || !head.path.includes(";") || found.match.path.value.includes(";")) return found;
  const bare = normalizePath(head.path.replace(/;[^/]*/g, "")) ?? "/";
  return winner(snapshot, listenerName, head, bare)?.ruleIndex === found.ruleIndex ? found : undefined;
}

function winner(
  snapshot: Snapshot,
  listenerName: string,
  head: RequestHead,
  path: string,
): Candidate | undefined {
  const listener = snapshot.listeners.find(({ name }) => name === listenerName);
  if (!listener) return undefined;
  if (listener.hostnames.length > 0 && !listener.hostnames.some((name) => covers(name, head.host)))
    return undefined;
  const routes = snapshot.routes.filter((route) => route.listeners.includes(listenerName));
  const best = Math.max(...routes.map((route) => specificity(route, head.host)));
  if (best < 0) return undefined;
  const candidates: Candidate[] = [];
  let ruleIndex = -1;
  for (const route of snapshot.routes) {
    for (const [position, rule] of route.rules.entries()) {
      ruleIndex += 1;
      if (!routes.includes(route) || specificity(route, head.host) !== best || isBroken(rule)) continue;
      for (const [matchIndex, match] of rule.matches.entries()) {
        if (!holds(match, head, path)) continue;
        candidates.push({ route, rule, ruleIndex, match, key: keyOf(route, match, position, matchIndex) });
      }
    }
  }
  return candidates.sort(compareKeys)[0];
}

/** Larger is more specific; -1: the route does not cover the host. */
function specificity(route: SnapshotRoute, host: string): number {
  const names = route.hostnames.length === 0 ? [""] : route.hostnames;
  return Math.max(
    ...names
      .filter((name) => covers(name, host))
      .map((name) => (name === "" ? 0 : name.startsWith("*.") ? name.length : 1_000 + name.length)),
    -1,
  );
}

function covers(name: string, host: string): boolean {
  if (name === "") return true;
  return name.startsWith("*.") ? host.endsWith(name.slice(1).toLowerCase()) : host === name.toLowerCase();
}

function isBroken(rule: SnapshotRule): boolean {
  try {
    for (const match of rule.matches) {
      if (match.path.type !== "RegularExpression" && normalizePath(match.path.value) === undefined)
        return true;
      const conditions = [...firsts(match.headers, true), ...firsts(match.queryParams, false)];
      const values: { type: string; value: string }[] = [match.path, ...conditions];
      for (const { type, value } of values) if (type === "RegularExpression") compilePattern(value);
    }
    return false;
  } catch {
    return true;
  }
}

function holds(match: RouteMatch, head: RequestHead, path: string): boolean {
  const params = [...new URLSearchParams(head.query)];
  return (
    pathHolds(match, path) &&
    (match.method === undefined || match.method === head.method) &&
    firsts(match.headers, true).every((header) =>
      valueHolds(header, head.header(header.name.toLowerCase())),
    ) &&
    firsts(match.queryParams, false).every((param) =>
      valueHolds(param, params.find(([name]) => name === param.name)?.[1] ?? null),
    )
  );
}

function pathHolds({ path: { type, value } }: RouteMatch, path: string): boolean {
  if (type === "RegularExpression") return compilePattern(value).test(path);
  const expected = normalizePath(value)!;
  if (type === "Exact") return path === expected;
  const wanted = elements(expected);
  return elements(path).slice(0, wanted.length).join("/") === wanted.join("/");
}

function elements(path: string): string[] {
  return path.split("/").filter((element) => element !== "");
}

function valueHolds({ type, value }: { type: string; value: string }, actual: string | null): boolean {
  if (actual === null) return false;
  return type === "Exact" ? actual === value : compilePattern(value).test(actual);
}

function firsts<T extends Pick<HeaderMatch, "name">>(matches: readonly T[], ignoreCase: boolean): T[] {
  const key = ({ name }: T): string => (ignoreCase ? name.toLowerCase() : name);
  return matches.filter((match, index) => matches.findIndex((other) => key(other) === key(match)) === index);
}

function keyOf(
  route: SnapshotRoute,
  match: RouteMatch,
  rulePosition: number,
  matchIndex: number,
): (number | string)[] {
  const { type, value } = match.path;
  const chars = type === "RegularExpression" ? value.length : normalizePath(value)!.replace(/\/$/, "").length;
  return [
    ["Exact", "RegularExpression", "PathPrefix"].indexOf(type),
    type === "Exact" ? 0 : -chars,
    match.method === undefined ? 1 : 0,
    -firsts(match.headers, true).length,
    -firsts(match.queryParams, false).length,
    route.name,
    rulePosition,
    matchIndex,
  ];
}

function compareKeys(a: Candidate, b: Candidate): number {
  for (const [index, left] of a.key.entries()) {
    const right = b.key[index]!;
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}
