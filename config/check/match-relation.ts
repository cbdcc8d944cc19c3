// What two matches have in common: whether one takes every request that the other takes, and whether there is a request
// that a match can take at all. What cannot be decided condition by condition counts as no: several matches that only
// together take what another one takes, and conditions on claims and composed texts, unless they are equal.
import type { Exclusion, HeaderMatch, RouteMatch } from "#contract/http-route.ts";
import { canonicalJson } from "#contract/canonical-json.ts";
import { includesNetwork } from "../native/address.ts";
import { excludesPath, includesPath, isEveryPath } from "./path-relation.ts";
import { literal } from "../pattern-text.ts";
import type { PatternRelations } from "./pattern-relation.ts";

/** Whether `outer` takes every request that `inner` takes. */
export function includesMatch(outer: RouteMatch, inner: RouteMatch, patterns: PatternRelations): boolean {
  const known = partsOf(inner);
  return (
    partsOf(outer).every((part) => isImplied(part, known, patterns)) &&
    (outer.not ?? []).every(
      (exclusion) =>
        (inner.not ?? []).some((other) => isImplied(other, [exclusion], patterns)) ||
        known.some((part) => contradict(part, exclusion, patterns)),
    )
  );
}

/** Whether the conditions of the match contradict each other, so that it takes no request. */
export function isImpossible(match: RouteMatch, patterns: PatternRelations): boolean {
  const parts = partsOf(match);
  return (
    parts.some((part, index) => parts.slice(index + 1).some((other) => contradict(part, other, patterns))) ||
    // Before its token is verified, a request may be one that the exclusion is not about.
    (match.not ?? []).some((exclusion) => !exclusion.claims && isImplied(exclusion, parts, patterns))
  );
}

const valueLists = ["headers", "queryParams", "cookies", "claims"] as const;

function partsOf({ and = [], ...match }: RouteMatch): readonly Exclusion[] {
  return [match, ...and];
}

/** Whether every request for which all of `known` hold fulfils the part. */
function isImplied(part: Exclusion, known: readonly Exclusion[], patterns: PatternRelations): boolean {
  const { path, method, clientCIDRs, texts = [] } = part;
  const some = (holds: (other: Exclusion) => boolean): boolean => known.some(holds);
  return (
    (path === undefined ||
      isEveryPath(path) ||
      some((other) => other.path !== undefined && includesPath(path, other.path, patterns))) &&
    (method === undefined || some((other) => other.method === method)) &&
    valueLists.every((list) =>
      (part[list] ?? []).every((wanted) =>
        some((other) => (other[list] ?? []).some((value) => impliesValue(list, value, wanted, patterns))),
      ),
    ) &&
    (clientCIDRs === undefined ||
      some(({ clientCIDRs: networks }) =>
        (networks ?? [""]).every((inner) => clientCIDRs.some((outer) => includesNetwork(outer, inner))),
      )) &&
    texts.every((text) =>
      some((other) => (other.texts ?? []).some((given) => canonicalJson(given) === canonicalJson(text))),
    )
  );
}

type ValueList = (typeof valueLists)[number];

/** Whether whatever `given` takes is taken by `wanted`. */
function impliesValue(
  list: ValueList,
  given: HeaderMatch,
  wanted: HeaderMatch,
  patterns: PatternRelations,
): boolean {
  if (!isSameName(list, given, wanted)) return false;
  if (given.type === wanted.type && given.value === wanted.value) return true;
  if (given.type !== "Exact" && given.type !== "RegularExpression") return false;
  if (wanted.type === "Present") return true;
  return wanted.type === "RegularExpression" && patterns.includes(wanted.value, patternOf(given), "texts");
}

/** Whether no request fulfils both. A claim may have several values, and none is known before the token is. */
function contradict(one: Exclusion, other: Exclusion, patterns: PatternRelations): boolean {
  return (
    (one.method !== undefined && other.method !== undefined && one.method !== other.method) ||
    (one.path !== undefined && other.path !== undefined && excludesPath(one.path, other.path, patterns)) ||
    (["headers", "queryParams", "cookies"] as const).some((list) =>
      (one[list] ?? []).some((left) =>
        (other[list] ?? []).some((right) => excludeValue(list, left, right, patterns)),
      ),
    )
  );
}

function excludeValue(
  list: ValueList,
  one: HeaderMatch,
  other: HeaderMatch,
  patterns: PatternRelations,
): boolean {
  if (!isSameName(list, one, other)) return false;
  if (one.type === "Absent" || other.type === "Absent") return one.type !== other.type;
  if (one.type === "Present" || other.type === "Present") return false;
  if (one.type === "Exact" && other.type === "Exact") return one.value !== other.value;
  return patterns.excludes(patternOf(one), patternOf(other), "texts");
}

function isSameName(list: ValueList, one: HeaderMatch, other: HeaderMatch): boolean {
  if (list !== "headers") return one.name === other.name;
  return one.name.toLowerCase() === other.name.toLowerCase();
}

function patternOf({ type, value }: HeaderMatch): string {
  return type === "RegularExpression" ? value : literal(value);
}
