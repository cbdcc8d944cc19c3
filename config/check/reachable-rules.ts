// Rules that never get a request, because another one matches the same requests and always goes first.
//
// Within one priority, the Gateway API prefers the more specific match in every respect, so a match can only be shadowed
// by an equal one (ties go by the route's name, then by order within the route), or by a regular expression that takes
// every path: expressions rank above PathPrefix. A rule of higher priority that takes every request shadows all below.
import type { RouteMatch } from "#contract/http-route.ts";
import { isLayer4 } from "#contract/snapshot.ts";
import type { NativeConfig, NativeRoute } from "../native/schema.ts";
import type { Path, Report } from "../report.ts";
import { everyPath, ruleId } from "../rule.ts";
import type { Check } from "./check.ts";

/** Matches times hostnames that are looked at; what lies beyond is no configuration that a person reads. */
const maxClaims = 1_000_000;

interface Claim {
  /** Bit per listener. */
  readonly listeners: bigint;
  readonly rule: string;
  readonly priority: number;
}

interface EveryPath extends Claim {
  readonly type: RouteMatch["path"]["type"];
}

/** Who takes what first. Keys are a host and a match in canonical form. */
interface Claims {
  readonly equal: Map<string, Claim[]>;
  /** By host: matches without conditions that take every path. */
  readonly everyPath: Map<string, EveryPath[]>;
  count: number;
}

interface Shadow {
  readonly host: string;
  readonly winner: string;
  readonly reason: string;
}

export const reachableRules: Check = (config, report) => {
  const served = config.listeners.filter((listener) => !isLayer4(listener));
  const bits = new Map(served.map(({ name }, index) => [name, 1n << BigInt(index)]));
  const everyListener = (1n << BigInt(served.length)) - 1n;
  const listenersOf = (route: NativeRoute): bigint =>
    route.listeners?.reduce((mask, name) => mask | (bits.get(name) ?? 0n), 0n) ?? everyListener;

  const claims: Claims = { equal: new Map(), everyPath: claimsOfEveryPath(config, listenersOf), count: 0 };
  for (const { route, routeIndex, ruleIndex } of rulesInOrder(config)) {
    const listeners = listenersOf(route);
    // No listener, or only unknown ones: reported as such.
    if (listeners === 0n) continue;
    const path = ["routes", routeIndex, "rules", ruleIndex];
    checkRule(route, ruleIndex, listeners, claims, path, report);
    if (claims.count <= maxClaims) continue;
    const message = `more than ${maxClaims} combinations of hostname and match: not all rules were checked for reachability`;
    report.add({ code: "reachability-unchecked", path, message });
    return;
  }
};

/** Those first that win over equal matches. */
function rulesInOrder(
  config: NativeConfig,
): { route: NativeRoute; routeIndex: number; ruleIndex: number; priority: number }[] {
  return config.routes
    .flatMap((route, routeIndex) =>
      route.rules.map(({ priority }, ruleIndex) => ({ route, routeIndex, ruleIndex, priority })),
    )
    .sort(
      (a, b) =>
        b.priority - a.priority ||
        compareText(a.route.creationTimestamp ?? "~", b.route.creationTimestamp ?? "~") ||
        compareText(a.route.name, b.route.name) ||
        a.ruleIndex - b.ruleIndex,
    );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function checkRule(
  route: NativeRoute,
  ruleIndex: number,
  listeners: bigint,
  claims: Claims,
  path: Path,
  report: Report,
): void {
  const { matches, priority } = route.rules[ruleIndex]!;
  const rule = ruleId(route, ruleIndex);
  const hosts = hostsOf(route);
  const alternatives: readonly (RouteMatch | undefined)[] = matches.length === 0 ? [undefined] : matches;
  const shadows = alternatives.map((match) =>
    hosts.flatMap((host) => takeOrFindWinner(claims, host, match, { listeners, rule, priority }) ?? []),
  );
  const isDead = shadows.every((found) => found.length === hosts.length);
  if (isDead) {
    const { winner, reason } = shadows[0]![0]!;
    report.add({
      code: "rule-unreachable",
      path,
      message: `rule ${JSON.stringify(rule)} gets no traffic: rule ${JSON.stringify(winner)} ${reason}`,
      remedy: "Remove one of them, or make this match more specific.",
    });
    return;
  }
  for (const [index, found] of shadows.entries()) {
    const [first] = found;
    if (!first) continue;
    const more = found.length > 1 ? ` and ${found.length - 1} other hosts` : "";
    const where = found.length === hosts.length ? "" : ` on ${first.host || "every host"}${more}`;
    report.add({
      code: "match-unreachable",
      path: matches.length === 0 ? path : [...path, "matches", index],
      message: `this match of rule ${JSON.stringify(rule)} gets no traffic${where}: rule ${JSON.stringify(first.winner)} ${first.reason}`,
      remedy: "Remove one of them, or make this match more specific.",
    });
  }
}

/** Claims host and match for a rule; where nothing is left of them, tells who has them. */
function takeOrFindWinner(
  claims: Claims,
  host: string,
  match: RouteMatch | undefined,
  claim: Claim,
): Shadow | undefined {
  claims.count += 1;
  const everyPath = claims.everyPath.get(host) ?? [];
  const isPrefix = !match || match.path.type === "PathPrefix";
  const winners = everyPath.filter(
    ({ priority, type }) =>
      priority > claim.priority || (priority === claim.priority && isPrefix && type === "RegularExpression"),
  );
  const taker = winnerOf(winners, claim);
  if (taker !== undefined) {
    const reason = winners.some(({ priority }) => priority > claim.priority)
      ? "has a higher priority and takes every request"
      : "takes every path by a regular expression, which goes before PathPrefix";
    return { host, winner: taker, reason };
  }
  const key = `${host}\n${matchKey(match)}`;
  const earlier = claims.equal.get(key) ?? [];
  const winner = winnerOf(earlier, claim);
  if (winner !== undefined) {
    const isHigher = earlier.some(({ priority }) => priority > claim.priority);
    return { host, winner, reason: reasonFor(winner, claim.rule, isHigher) };
  }
  earlier.push(claim);
  claims.equal.set(key, earlier);
  return undefined;
}

/** The first of the rules that together have all of the claim's listeners. */
function winnerOf(earlier: readonly Claim[], { listeners }: Claim): string | undefined {
  let left = listeners;
  for (const claim of earlier) left &= ~claim.listeners;
  return left === 0n ? earlier.find((claim) => (claim.listeners & listeners) !== 0n)?.rule : undefined;
}

function reasonFor(winner: string, loser: string, isHigher: boolean): string {
  if (winner === loser) return "itself has the same match before";
  if (isHigher) return "has the same match and a higher priority";
  const sameRoute = winner.slice(0, winner.lastIndexOf("/")) === loser.slice(0, loser.lastIndexOf("/"));
  return `has the same match and goes first (${sameRoute ? "it is earlier in the route" : "equal matches rank by age, then by name, of their routes"})`;
}

function claimsOfEveryPath(
  config: NativeConfig,
  listenersOf: (route: NativeRoute) => bigint,
): Map<string, EveryPath[]> {
  const found = new Map<string, EveryPath[]>();
  for (const { route, ruleIndex, priority } of rulesInOrder(config)) {
    const { matches } = route.rules[ruleIndex]!;
    for (const match of matches.length === 0 ? [everyPath] : matches) {
      if (!takesEveryPath(match)) continue;
      const { type } = match.path;
      const claim = { listeners: listenersOf(route), rule: ruleId(route, ruleIndex), priority, type };
      for (const host of hostsOf(route)) {
        const list = found.get(host);
        if (list) list.push(claim);
        else found.set(host, [claim]);
      }
    }
  }
  return found;
}

function takesEveryPath({ path, headers, queryParams, ...others }: RouteMatch): boolean {
  const unconditional =
    headers.length === 0 &&
    queryParams.length === 0 &&
    Object.values(others).every((value) => value === undefined);
  if (!unconditional || path.type === "Exact") return false;
  return path.type === "PathPrefix" ? path.value === "/" : /^\^?\/?\.\*\$?$/.test(path.value);
}

/** `""` stands for every host. */
function hostsOf(route: NativeRoute): string[] {
  if (route.hostnames.length === 0) return [""];
  return [...new Set(route.hostnames.map((hostname) => hostname.toLowerCase()))];
}

/**
 * The same for matches that take the same requests: order and, in header names, case do not count. Validated models have
 * their keys in the schema's order, so equal values are equal text.
 */
function matchKey(match: RouteMatch | undefined): string {
  const { path, headers, queryParams, ...others } = match ?? everyPath;
  // `/a` and `/a/` are the same prefix.
  const value = path.type === "PathPrefix" ? path.value.replace(/\/$/, "") : path.value;
  const headerKeys = headers.map((header) => JSON.stringify({ ...header, name: header.name.toLowerCase() }));
  const queryKeys = queryParams.map((param) => JSON.stringify(param));
  return JSON.stringify([{ ...path, value }, others, headerKeys.sort(), queryKeys.sort()]);
}
