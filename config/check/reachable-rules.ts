// Rules that never get a request, because another one matches the same requests and always goes first.
//
// The Gateway API prefers the more specific match in every respect, so a match can only be shadowed by an equal one
// (ties go by the route's name, then by order within the route), or by a regular expression that takes every path:
// expressions rank above PathPrefix.
import type { RouteMatch } from "#contract/http-route.ts";
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
}

/** Who takes what first. Keys are a host and a match in canonical form. */
interface Claims {
  readonly equal: Map<string, Claim[]>;
  /** By host: conditionless regular expressions that take every path. */
  readonly everyPath: Map<string, Claim[]>;
  count: number;
}

interface Shadow {
  readonly host: string;
  readonly winner: string;
  readonly reason: string;
}

export const reachableRules: Check = (config, report) => {
  const bits = new Map(config.listeners.map(({ name }, index) => [name, 1n << BigInt(index)]));
  const everyListener = (1n << BigInt(config.listeners.length)) - 1n;
  const listenersOf = (route: NativeRoute): bigint =>
    route.listeners?.reduce((mask, name) => mask | (bits.get(name) ?? 0n), 0n) ?? everyListener;

  const claims: Claims = { equal: new Map(), everyPath: claimsOfEveryPath(config, listenersOf), count: 0 };
  const byName = [...config.routes.entries()].sort(([, a], [, b]) =>
    a.name < b.name ? -1 : a.name > b.name ? 1 : 0,
  );
  for (const [routeIndex, route] of byName) {
    const listeners = listenersOf(route);
    // No listener, or only unknown ones: reported as such.
    if (listeners === 0n) continue;
    for (const ruleIndex of route.rules.keys()) {
      const path = ["routes", routeIndex, "rules", ruleIndex];
      checkRule(route, ruleIndex, listeners, claims, path, report);
      if (claims.count <= maxClaims) continue;
      const message = `more than ${maxClaims} combinations of hostname and match: not all rules were checked for reachability`;
      report.add({ code: "reachability-unchecked", path, message });
      return;
    }
  }
};

function checkRule(
  route: NativeRoute,
  ruleIndex: number,
  listeners: bigint,
  claims: Claims,
  path: Path,
  report: Report,
): void {
  const { matches } = route.rules[ruleIndex]!;
  const rule = ruleId(route, ruleIndex);
  const hosts = hostsOf(route);
  const alternatives: readonly (RouteMatch | undefined)[] = matches.length === 0 ? [undefined] : matches;
  const shadows = alternatives.map((match) =>
    hosts.flatMap((host) => takeOrFindWinner(claims, host, match, { listeners, rule }) ?? []),
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
  if (!match || match.path.type === "PathPrefix") {
    const winner = winnerOf(claims.everyPath.get(host) ?? [], claim);
    if (winner !== undefined) {
      return {
        host,
        winner,
        reason: "takes every path by a regular expression, which goes before PathPrefix",
      };
    }
  }
  const key = `${host}\n${matchKey(match)}`;
  const earlier = claims.equal.get(key) ?? [];
  const winner = winnerOf(earlier, claim);
  if (winner !== undefined) return { host, winner, reason: reasonFor(winner, claim.rule) };
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

function reasonFor(winner: string, loser: string): string {
  if (winner === loser) return "itself has the same match before";
  const sameRoute = winner.slice(0, winner.lastIndexOf("/")) === loser.slice(0, loser.lastIndexOf("/"));
  return `has the same match and goes first (${sameRoute ? "it is earlier in the route" : "equal matches rank by the route's name"})`;
}

function claimsOfEveryPath(
  config: NativeConfig,
  listenersOf: (route: NativeRoute) => bigint,
): Map<string, Claim[]> {
  const found = new Map<string, Claim[]>();
  for (const route of config.routes) {
    for (const [ruleIndex, rule] of route.rules.entries()) {
      if (!rule.matches.some(takesEveryPath)) continue;
      const claim = { listeners: listenersOf(route), rule: ruleId(route, ruleIndex) };
      for (const host of hostsOf(route)) found.set(host, [...(found.get(host) ?? []), claim]);
    }
  }
  return found;
}

function takesEveryPath({ path, headers, queryParams, ...others }: RouteMatch): boolean {
  const unconditional =
    headers.length === 0 &&
    queryParams.length === 0 &&
    Object.values(others).every((value) => value === undefined);
  return unconditional && path.type === "RegularExpression" && /^\^?\/?\.\*\$?$/.test(path.value);
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
