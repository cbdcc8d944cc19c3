// An ordered list of rules → rules of routes. Formats such as those of HAProxy, nginx and Istio take the first rule that
// matches, the model the most specific one; a priority is written where the two would differ.
import type { NativeConfigInput } from "./native/schema.ts";

type RuleInput = NonNullable<NativeConfigInput["routes"]>[number]["rules"][number];
type Match = NonNullable<RuleInput["matches"]>[number];

/** Rules of one level that a new one is compared with; more, and a level of its own is cheaper. */
const maxCompared = 64;

/**
 * The rules with priorities, those of the last ones 0. `isOneRoute`: all will stand in one route, so that equal matches go
 * by their order; between routes it would be the routes' names.
 */
export function withPriorities(rules: readonly RuleInput[], isOneRoute: boolean): RuleInput[] {
  const levels: RuleInput[][] = [];
  // From the end, so that the rule for all the rest has no priority.
  for (const rule of rules.toReversed()) {
    const level = levels.at(-1);
    if (level && level.length < maxCompared && level.every((later) => agrees(rule, later, isOneRoute)))
      level.push(rule);
    else levels.push([rule]);
  }
  return levels.toReversed().flatMap((level, index) => {
    const priority = levels.length - 1 - index;
    return level.toReversed().map((rule) => (priority === 0 ? rule : { ...rule, priority }));
  });
}

/** Whether the model prefers `earlier` wherever both match. */
function agrees(earlier: RuleInput, later: RuleInput, ties: boolean): boolean {
  return matchesOf(earlier).every((a) =>
    matchesOf(later).every((b) => isDisjoint(a, b) || precedes(a, b, ties)),
  );
}

const everyPath: Match = {};

function matchesOf({ matches = [] }: RuleInput): readonly Match[] {
  return matches.length === 0 ? [everyPath] : matches;
}

function isDisjoint(a: Match, b: Match): boolean {
  if (a.method !== undefined && b.method !== undefined && a.method !== b.method) return true;
  const [one, other] = [a.path, b.path];
  const isExact = one?.type === "Exact" && other?.type === "Exact";
  if (isExact && !one.ignoreCase && !other.ignoreCase) return one.value !== other.value;
  const [left, right] = [literalStart(a), literalStart(b)];
  return left !== undefined && right !== undefined && !left.startsWith(right) && !right.startsWith(left);
}

/** What every path of the match begins with; `undefined`: nothing is known. */
function literalStart({ path }: Match): string | undefined {
  if (path?.value === undefined || path.ignoreCase) return undefined;
  if (path.type !== "RegularExpression") return path.type === "Exact" ? path.value : undefined;
  return /^[A-Za-z0-9/_~%-]+(?=\.\*$)/.exec(path.value)?.[0];
}

/** As far as it is decided by one criterion alone; equal matches go by their order in the route. */
function precedes(a: Match, b: Match, ties: boolean): boolean {
  const [left, right] = [rankOf(a), rankOf(b)];
  const differing = left.findIndex((value, index) => value !== right[index]);
  return differing < 0 ? ties : left[differing]! > right[differing]!;
}

/** What `traffic/match/precedence.ts` compares within one priority, the greater first. */
export function rankOf(match: Match): number[] {
  const { type = "PathPrefix", value = "/", ignoreCase = false } = match.path ?? {};
  return [
    ["PathPrefix", "RegularExpression", "Exact"].indexOf(type),
    type === "PathPrefix" ? value.replace(/\/$/, "").length : value.length,
    Number(match.method !== undefined),
    count(match.headers),
    count(match.queryParams),
    Number(!ignoreCase),
    count(match.cookies),
    count(match.claims),
    Number(match.clientCIDRs !== undefined),
    count(match.and) + count(match.not),
  ];
}

function count(conditions: readonly unknown[] | undefined): number {
  return conditions?.length ?? 0;
}
