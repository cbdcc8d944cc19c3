// The matcher's oracle in tests and benchmarks: reads the configuration literally, looks at every rule for every
// request, sorts what matches. Shares nothing with the indexes of the fast matcher.
import type { Exclusion, HeaderMatch, PathMatch, RouteMatch } from "#contract/http-route.ts";
import type { Snapshot, SnapshotRoute, SnapshotRule } from "#contract/snapshot.ts";
import { cidrContains, parseCidr } from "../forwarding/cidr.ts";
import { parseIpAddress } from "../forwarding/ip-address.ts";
import { normalizePath } from "./path.ts";
import { compilePattern } from "./pattern/pattern.ts";
import type { RequestHead } from "./request-head.ts";
import { textCondition } from "./text-condition.ts";

interface Candidate {
  readonly route: SnapshotRoute;
  readonly rule: SnapshotRule;
  readonly match: RouteMatch;
  /** Compared element by element, smaller wins. */
  readonly key: readonly (number | string)[];
}

export interface NaiveMatch {
  readonly route: SnapshotRoute;
  readonly rule: SnapshotRule;
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
  return winner(snapshot, listenerName, head, bare)?.rule === found.rule ? found : undefined;
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
  for (const route of snapshot.routes) {
    for (const [position, rule] of route.rules.entries()) {
      if (!routes.includes(route) || specificity(route, head.host) !== best || isBroken(rule)) continue;
      for (const [matchIndex, match] of rule.matches.entries()) {
        if (!holds(match, head, path)) continue;
        const key = [-(rule.priority ?? 0), ...keyOf(route, match, position, matchIndex)];
        candidates.push({ route, rule, match, key });
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
  return rule.matches.some((match) => [match, ...(match.and ?? []), ...(match.not ?? [])].some(isBrokenPart));
}

function isBrokenPart(part: Exclusion): boolean {
  const { path, headers, queryParams, cookies, claims, clientCIDRs = [], texts = [] } = part;
  const named = [queryParams, cookies, claims].flatMap((list) => firsts(list, false));
  const conditions = [...firsts(headers, true), ...named];
  try {
    for (const { type, value } of path ? [path, ...conditions] : conditions) {
      if (type === "RegularExpression") compilePattern(value);
    }
    for (const text of texts) textCondition(text, compilePattern);
  } catch {
    return true;
  }
  if (clientCIDRs.some((text) => parseCidr(text) === undefined)) return true;
  return path !== undefined && path.type !== "RegularExpression" && normalizePath(path.value) === undefined;
}

function holds(match: RouteMatch, head: RequestHead, path: string): boolean {
  const { and = [], not = [] } = match;
  return (
    [match, ...and].every((part) => partHolds(part, head, path)) &&
    !not.some((part) => !(part.claims && head.claims === undefined) && partHolds(part, head, path))
  );
}

function partHolds(part: Exclusion, head: RequestHead, path: string): boolean {
  const params = [...new URLSearchParams(head.query)];
  const cookies = (head.header("cookie") ?? "").split(";").map((pair) => pair.trim().split("="));
  const first = (pairs: readonly string[][], name: string): string | null =>
    pairs.find((pair) => pair[0] === name)?.[1] ?? null;
  const client = parseIpAddress(head.clientAddress ?? "");
  return (
    (part.path === undefined || pathHolds(part.path, path)) &&
    (part.method === undefined || part.method === head.method) &&
    firsts(part.headers, true).every((header) =>
      valueHolds(header, head.header(header.name.toLowerCase())),
    ) &&
    firsts(part.queryParams, false).every((param) => valueHolds(param, first(params, param.name))) &&
    firsts(part.cookies, false).every((cookie) => valueHolds(cookie, first(cookies, cookie.name))) &&
    firsts(part.claims, false).every((claim) => claimHolds(claim, head)) &&
    (part.clientCIDRs === undefined ||
      part.clientCIDRs.some((text) => client !== undefined && cidrContains(parseCidr(text)!, client))) &&
    (part.texts ?? []).every((text) => textCondition(text, compilePattern)(head))
  );
}

function pathHolds({ type, value, ignoreCase }: PathMatch, path: string): boolean {
  if (type === "RegularExpression") return compilePattern(value).test(path);
  const fold = (text: string): string => (ignoreCase ? text.toLowerCase() : text);
  const expected = fold(normalizePath(value)!);
  if (type === "Exact") return fold(path) === expected;
  const wanted = elements(expected);
  return elements(fold(path)).slice(0, wanted.length).join("/") === wanted.join("/");
}

function elements(path: string): string[] {
  return path.split("/").filter((element) => element !== "");
}

function valueHolds({ type, value }: HeaderMatch, actual: string | null): boolean {
  if (type === "Present" || type === "Absent") return (actual !== null) === (type === "Present");
  if (actual === null) return false;
  return type === "Exact" ? actual === value : compilePattern(value).test(actual);
}

function claimHolds(claim: HeaderMatch, { claims }: RequestHead): boolean {
  if (claims === undefined) return true;
  const direct = within(claims, claim.name);
  const value = direct === undefined ? claim.name.split(".").reduce<unknown>(within, claims) : direct;
  const isText = (item: unknown): boolean => ["string", "number", "boolean"].includes(typeof item);
  const values = (Array.isArray(value) ? value : [value]).filter(isText);
  return values.length === 0
    ? valueHolds(claim, null)
    : values.some((item) => valueHolds(claim, String(item)));
}

function within(value: unknown, name: string): unknown {
  if (value === null || typeof value !== "object" || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

function firsts(matches: readonly HeaderMatch[] | undefined, ignoreCase: boolean): HeaderMatch[] {
  const key = ({ name }: HeaderMatch): string => (ignoreCase ? name.toLowerCase() : name);
  return (matches ?? []).filter(
    (match, index, all) => all.findIndex((other) => key(other) === key(match)) === index,
  );
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
    match.path.ignoreCase ? 1 : 0,
    -firsts(match.cookies, false).length,
    -firsts(match.claims, false).length,
    match.clientCIDRs ? 0 : 1,
    -(match.and ?? []).length - (match.not ?? []).length,
    route.creationTimestamp ?? "~",
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
