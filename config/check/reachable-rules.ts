// Rules that never get a request: another one goes first and takes all that they match, their hosts belong to other
// routes, or their conditions contradict each other.
//
// Within one priority the Gateway API prefers the more specific match, so that a match is mostly shadowed by an equal one
// (ties go by age and name of the route, then by order within it) or by a regular expression, which ranks above
// PathPrefix. Rules of formats that take the first match have priorities, and there a wide rule shadows narrower ones.
import type { RouteMatch } from "#contract/http-route.ts";
import { isLayer4 } from "#contract/snapshot.ts";
import type { NativeConfig, NativeRoute } from "../native/schema.ts";
import { rankOf } from "../ordered-rules.ts";
import { formatPath, type Origin, type Path, type Report } from "../report.ts";
import { everyPath, ruleId } from "../rule.ts";
import type { Check } from "./check.ts";
import { claimOf, ClaimTable, type Claim } from "./claim-table.ts";
import { isImpossible } from "./match-relation.ts";
import { hostsOf, openHosts } from "./open-hosts.ts";
import { isEveryPath, pathKey } from "./path-relation.ts";
import { PatternRelations } from "./pattern-relation.ts";

/** Claims of hosts and pairs of them that are looked at; what lies beyond is no configuration that a person reads. */
const maxLooks = 1_000_000;

/** Why a match gets nothing on one of its hosts. */
interface Shadow {
  readonly host: string;
  readonly reason: string;
  /** The rule that wins, and where it stands; absent: no rule does. */
  readonly rule?: string;
  readonly place?: Path;
  /** The route itself has those hosts by another of its names. */
  readonly isOwn?: boolean;
}

/** Shadows of each match that has some. */
type Shadows = Map<Claim, Shadow[]>;

export const reachableRules: Check = (config, report) => {
  const claims = claimsInOrder(config);
  const { shadows, isComplete } = shadowsOf(config, claims);
  if (shadows.size > 0) tell(config, shadows, report);
  if (isComplete) return;
  const message =
    "too many hostnames, matches or regular expressions: not all rules were checked for reachability";
  report.add({ code: "reachability-unchecked", path: ["routes"], message });
};

/** Every match, the one that wins over the others first (`traffic/match/precedence.ts`). */
function claimsInOrder({ routes }: NativeConfig): Claim[] {
  const ranked = routes.flatMap((route, routeIndex) =>
    route.rules.flatMap((rule, ruleIndex) =>
      matchesOf(rule).map((match, matchIndex) => ({
        claim: claimOf(match, { routeIndex, ruleIndex, matchIndex }),
        route,
        rank: [rule.priority, ...rankOf(match)],
      })),
    ),
  );
  ranked.sort(
    (a, b) =>
      compareRanks(a.rank, b.rank) ||
      compareText(a.route.creationTimestamp ?? "~", b.route.creationTimestamp ?? "~") ||
      compareText(a.route.name, b.route.name) ||
      a.claim.ruleIndex - b.claim.ruleIndex ||
      a.claim.matchIndex - b.claim.matchIndex,
  );
  return ranked.map(({ claim }) => claim);
}

function matchesOf({ matches }: NativeRoute["rules"][number]): readonly RouteMatch[] {
  return matches.length === 0 ? [everyPath] : matches;
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((value, position) => value !== b[position]);
  return index < 0 ? 0 : b[index]! - a[index]!;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function shadowsOf(
  config: NativeConfig,
  claims: readonly Claim[],
): { shadows: Shadows; isComplete: boolean } {
  const served = config.listeners.filter((listener) => !isLayer4(listener)).map(({ name }) => name);
  const bits = new Map(served.map((name, index) => [name, 1n << BigInt(index)]));
  const listenersOf = (route: NativeRoute) => (route.listeners ?? served).filter((name) => bits.has(name));
  const open = openHosts(config, listenersOf);
  const patterns = new PatternRelations();
  const table = new ClaimTable(patterns);
  const shadows: Shadows = new Map();
  let looks = 0;
  for (const claim of claims) {
    const route = config.routes[claim.routeIndex]!;
    const all = listenersOf(route);
    // No listener, or only unknown ones: reported as such.
    if (all.length === 0) continue;
    const isDead = isImpossible(claim.match, patterns);
    const found = hostsOf(route).flatMap((host): Shadow[] => {
      looks += 1;
      if (isDead) return [{ host, reason: "its conditions contradict each other" }];
      const takers = all.map((name) => open.takerOf(name, host));
      const left = all.filter((_, index) => takers[index] === undefined);
      if (left.length === 0) return [hostShadow(host, takers[0]!, route)];
      const listeners = left.reduce((mask, name) => mask | bits.get(name)!, 0n);
      const winner = table.add(host, claim, listeners);
      return winner ? [shadowBy(winner, claim, host, config)] : [];
    });
    if (found.length > 0) shadows.set(claim, found);
    if (looks + table.comparisons > maxLooks) return { shadows, isComplete: false };
  }
  return { shadows, isComplete: !patterns.isExhausted };
}

function hostShadow(host: string, taker: string, route: NativeRoute): Shadow {
  const reason = `the hosts of ${host || "its listeners"} belong to the more specific hostname ${taker}`;
  return { host, reason, isOwn: hostsOf(route).includes(taker) };
}

function shadowBy(winner: Claim, loser: Claim, host: string, { routes }: NativeConfig): Shadow {
  const [first, second] = [winner, loser].map(({ routeIndex, ruleIndex }) => ({
    route: routes[routeIndex]!,
    ruleIndex,
    priority: routes[routeIndex]!.rules[ruleIndex]!.priority,
  })) as [RuleAt, RuleAt];
  return {
    host,
    reason: reasonFor(first, second, winner.match, loser.match),
    rule: ruleId(first.route, first.ruleIndex),
    place: ["routes", winner.routeIndex, "rules", winner.ruleIndex],
  };
}

interface RuleAt {
  readonly route: NativeRoute;
  readonly ruleIndex: number;
  readonly priority: number;
}

function reasonFor(first: RuleAt, second: RuleAt, winner: RouteMatch, loser: RouteMatch): string {
  const isHigher = first.priority > second.priority;
  if (matchKey(winner) !== matchKey(loser)) {
    if (isEveryRequest(winner))
      return isHigher ? "has a higher priority and takes every request" : "takes every request first";
    return `${isHigher ? "has a higher priority" : "ranks higher"} and takes all requests of this one`;
  }
  if (first.route === second.route && first.ruleIndex === second.ruleIndex)
    return "itself has the same match before";
  if (isHigher) return "has the same match and a higher priority";
  const isSameRoute = first.route === second.route;
  return `has the same match and goes first (${isSameRoute ? "it is earlier in the route" : "equal matches rank by age, then by name, of their routes"})`;
}

function isEveryRequest({ path, headers, queryParams, ...others }: RouteMatch): boolean {
  const conditions = [headers, queryParams, ...Object.values(others)];
  return (
    isEveryPath(path) && conditions.every((condition) => condition === undefined || condition.length === 0)
  );
}

/** The same for equal matches: order and, in header names, case do not count. */
function matchKey({ path, headers, queryParams, ...others }: RouteMatch): string {
  const headerKeys = headers.map((header) => JSON.stringify({ ...header, name: header.name.toLowerCase() }));
  const queryKeys = queryParams.map((param) => JSON.stringify(param));
  return JSON.stringify([
    { ...path, value: pathKey(path, false) },
    others,
    headerKeys.sort(),
    queryKeys.sort(),
  ]);
}

/** A rule some of whose matches get nothing, at least on some hosts. */
interface ShadowedRule {
  readonly path: Path;
  readonly id: string;
  readonly hosts: number;
  /** Otherwise, what is shadowed is every path. */
  readonly hasMatches: boolean;
  /** Of each match. */
  readonly shadows: readonly (readonly Shadow[])[];
  readonly isDead: boolean;
}

function shadowedRules(config: NativeConfig, shadows: Shadows): ShadowedRule[] {
  const byRule = Map.groupBy(shadows, ([{ routeIndex, ruleIndex }]) => `${routeIndex} ${ruleIndex}`);
  return [...byRule.values()].map((found) => {
    const [{ routeIndex, ruleIndex }] = found[0]!;
    const route = config.routes[routeIndex]!;
    const hosts = hostsOf(route).length;
    const ofMatches: (readonly Shadow[])[] = matchesOf(route.rules[ruleIndex]!).map(() => []);
    for (const [{ matchIndex }, list] of found) ofMatches[matchIndex] = list;
    return {
      path: ["routes", routeIndex, "rules", ruleIndex],
      id: ruleId(route, ruleIndex),
      hosts,
      hasMatches: route.rules[ruleIndex]!.matches.length > 0,
      shadows: ofMatches,
      isDead: ofMatches.every((list) => list.length === hosts),
    };
  });
}

/**
 * A statement of another format may have become several rules, for several hosts and listeners: it is unreachable when
 * all of them are, and nothing is said where only some are.
 */
function tell(config: NativeConfig, shadows: Shadows, report: Report): void {
  const rules = shadowedRules(config, shadows).map((rule) => ({ rule, origin: report.originOf(rule.path) }));
  const siblings = rules.every(({ origin }) => isNative(origin)) ? undefined : rulesByOrigin(config, report);
  const dead = new Map<string, number>();
  for (const { rule, origin } of rules) {
    if (rule.isDead) dead.set(keyOf(origin), (dead.get(keyOf(origin)) ?? 0) + 1);
  }
  for (const { rule, origin } of rules) {
    const key = keyOf(origin);
    const count = siblings?.get(key) ?? 1;
    if (count === 1) tellRule(rule, report);
    else if (dead.get(key) === count) {
      tellRule(rule, report);
      // Said once for all of them.
      dead.delete(key);
    }
  }
}

function rulesByOrigin({ routes }: NativeConfig, report: Report): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [routeIndex, { rules }] of routes.entries()) {
    for (const ruleIndex of rules.keys()) {
      const key = keyOf(report.originOf(["routes", routeIndex, "rules", ruleIndex]));
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return counts;
}

function isNative({ path }: Origin): boolean {
  return path[0] === "routes";
}

function keyOf({ file, line, column, path }: Origin): string {
  return `${file}:${line}:${column} ${formatPath(path)}`;
}

const remedy = "Remove one of them, or make this match more specific.";

function tellRule({ path, id, hosts, hasMatches, shadows, isDead }: ShadowedRule, report: Report): void {
  const reasonOf = ({ rule, reason, place }: Shadow): string => {
    if (!rule) return reason;
    const { file, line } = report.originOf(place!);
    return `rule ${JSON.stringify(rule)} (${file}:${line}) ${reason}`;
  };
  if (isDead) {
    const message = `rule ${JSON.stringify(id)} gets no traffic: ${reasonOf(shadows[0]!.find(({ isOwn }) => !isOwn) ?? shadows[0]![0]!)}`;
    report.add({ code: "rule-unreachable", path, message, remedy });
    return;
  }
  for (const [index, all] of shadows.entries()) {
    const found = all.filter(({ isOwn }) => !isOwn);
    const [first] = found;
    if (!first) continue;
    const more = found.length > 1 ? ` and ${found.length - 1} other hosts` : "";
    const where = found.length === hosts ? "" : ` on ${first.host || "every host"}${more}`;
    report.add({
      code: "match-unreachable",
      path: hasMatches ? [...path, "matches", index] : path,
      message: `this match of rule ${JSON.stringify(id)} gets no traffic${where}: ${reasonOf(first)}`,
      remedy,
    });
  }
}
