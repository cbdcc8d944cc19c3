// Who takes which requests of a host first: matches in order of precedence, filed so that those that could take all
// requests of another one are found without looking at the rest.
import type { Exclusion, RouteMatch } from "#contract/http-route.ts";
import { literalPrefix } from "#contract/pattern/literal-prefix.ts";
import { parsePattern } from "#contract/pattern/parse-pattern.ts";
import { includesMatch } from "./match-relation.ts";
import { pathKey } from "./path-relation.ts";
import type { PatternRelations } from "./pattern-relation.ts";

/** A match of a rule. */
export interface Claim {
  readonly match: RouteMatch;
  readonly routeIndex: number;
  readonly ruleIndex: number;
  readonly matchIndex: number;
  /** What every path of the match begins with, as far as that is known. */
  readonly start: string;
  /** Conditions that only an equal one can stand for. */
  readonly conditions: readonly string[];
}

interface Filed {
  readonly claim: Claim;
  readonly listeners: bigint;
}

export class ClaimTable {
  readonly #filed = new Map<string, Filed[]>();
  readonly #patterns: PatternRelations;
  /** Pairs of matches looked at. */
  comparisons = 0;

  constructor(patterns: PatternRelations) {
    this.#patterns = patterns;
  }

  /**
   * Files a claim that ranks behind all that are filed; where these leave nothing of it, returns the first of those that
   * take it. `listeners`: a bit for each.
   */
  add(host: string, claim: Claim, listeners: bigint): Claim | undefined {
    let left = listeners;
    let winner: Claim | undefined;
    for (const key of this.#keysOfCovering(host, claim)) {
      for (const earlier of this.#filed.get(key) ?? []) {
        if ((earlier.listeners & left) === 0n || !mayCover(earlier.claim, claim)) continue;
        this.comparisons += 1;
        if (!includesMatch(earlier.claim.match, claim.match, this.#patterns)) continue;
        winner ??= earlier.claim;
        left &= ~earlier.listeners;
        if (left === 0n) return winner;
      }
    }
    const key = keyOf(host, placeOf(claim.match.path), claim.conditions[0] ?? "");
    const filed = this.#filed.get(key);
    if (filed) filed.push({ claim, listeners: left });
    else this.#filed.set(key, [{ claim, listeners: left }]);
    return undefined;
  }

  *#keysOfCovering(host: string, claim: Claim): Iterable<string> {
    for (const place of coveringPlaces(claim)) {
      for (const condition of claim.conditions) yield keyOf(host, place, condition);
      yield keyOf(host, place, "");
    }
  }
}

export function claimOf(
  match: RouteMatch,
  indexes: Pick<Claim, "routeIndex" | "ruleIndex" | "matchIndex">,
): Claim {
  return { match, ...indexes, start: startOf(match.path), conditions: exactConditions(match) };
}

function mayCover(earlier: Claim, { start }: Claim): boolean {
  return start.startsWith(earlier.start) || earlier.start.startsWith(start);
}

function keyOf(host: string, place: string, condition: string): string {
  return `${host}\n${place}\n${condition}`;
}

/** Case is left to the comparison. */
function placeOf(path: RouteMatch["path"]): string {
  if (path.type === "RegularExpression") return "~";
  return `${path.type === "Exact" ? "=" : "/"}${pathKey(path, true)}`;
}

/** Where matches are that may take every path of this one. */
function* coveringPlaces({ match: { path }, start }: Claim): Iterable<string> {
  const folded = path.type === "RegularExpression" ? start.toLowerCase() : pathKey(path, true);
  if (path.type !== "PathPrefix") yield `=${folded}`;
  yield "~";
  for (let end = folded.length; end > 0; end = folded.lastIndexOf("/", end - 1))
    yield `/${folded.slice(0, end)}`;
  yield "/";
}

function startOf(path: RouteMatch["path"]): string {
  if (path.type !== "RegularExpression") return path.ignoreCase ? "" : pathKey(path, false);
  try {
    return literalPrefix(parsePattern(path.value).node);
  } catch {
    return "";
  }
}

function exactConditions({ and = [], ...match }: RouteMatch): string[] {
  const all = [match, ...and].flatMap((part: Exclusion) => [
    ...(part.method === undefined ? [] : [part.method]),
    ...exactValues("header", part.headers, (name) => name.toLowerCase()),
    ...exactValues("query", part.queryParams),
    ...exactValues("cookie", part.cookies),
  ]);
  return [...new Set(all)];
}

function exactValues(
  list: string,
  conditions: RouteMatch["headers"] = [],
  nameOf = (name: string): string => name,
): string[] {
  return conditions.flatMap(({ type, name, value }) =>
    type === "Exact" ? [JSON.stringify([list, nameOf(name), value])] : [],
  );
}
