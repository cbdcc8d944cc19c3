// The locations of a host in the order in which nginx tries them, each with the match that it is here.
import { isDividedAtTop, locationPattern, pathPatternError } from "./annotation/rewrite.ts";
import type { Notes } from "../kubernetes/notes.ts";
import { isRewritten } from "./annotation/rewrite.ts";
import type { MatchInput } from "./rule-parts.ts";
import { usesRegex, type Location, type Server } from "./server.ts";

export interface OrderedLocation {
  readonly location: Location;
  readonly path: NonNullable<MatchInput["path"]>;
}

/**
 * Each namespace's as if the others' were not there, in the order of age: one that comes later takes what begins with more of
 * a path than what was there before. In ingress-nginx one Ingress makes regular expressions of all paths of the host, and the
 * longest text goes first, so that one namespace could take any request of another.
 */
export function orderLocations(server: Server, notes: Notes): OrderedLocation[] {
  const byNamespace = Map.groupBy(server.locations, ({ ingress }) => ingress.namespace);
  const namespaces = new Set([
    ...server.sources.map(({ ingress }) => ingress.namespace),
    // Of an Ingress without rules, which has the host of all that have none.
    ...byNamespace.keys(),
  ]);
  let ordered: OrderedLocation[] = [];
  for (const namespace of namespaces) {
    const own = orderOwn({ ...server, locations: byNamespace.get(namespace) ?? [] }, notes);
    ordered = ordered.length === 0 ? own : inserted(own, ordered);
  }
  return ordered;
}

/** Behind everything that is as specific. */
function inserted(later: readonly OrderedLocation[], earlier: readonly OrderedLocation[]): OrderedLocation[] {
  const places = later.map((one) => earlier.findLastIndex((other) => holdOf(other) >= rankOf(one)) + 1);
  const before = (place: number): OrderedLocation[] => later.filter((_, index) => places[index] === place);
  return [...earlier.flatMap((one, index) => [...before(index), one]), ...before(earlier.length)];
}

/** How much of a path is asked for: so many characters at its beginning. */
function rankOf({ location, path }: OrderedLocation): number {
  const start = path.type === "RegularExpression" ? literalStart(location.path) : location.path;
  return start.replace(/\/$/, "").length;
}

/** What an earlier one is as specific as, against later ones: of an expression that is more than a prefix nothing goes first. */
function holdOf(one: OrderedLocation): number {
  if (one.path.type === "Exact") return Infinity;
  if (one.path.type === "PathPrefix") return rankOf(one);
  const rest = one.location.path.slice(literalStart(one.location.path).length);
  return /^(?:\?|\(\/\|\$\))?(?:\.\*|\(\.\*\))?\$?$/.test(rest) ? rankOf(one) : Infinity;
}

/** Of an expression, what each path that it matches begins with. */
function literalStart(pattern: string): string {
  if (pattern.includes("|") && isDividedAtTop(pattern)) return "";
  const [plain = ""] = /^[A-Za-z0-9\-_~/%!&',;=:@]*/.exec(pattern) ?? [];
  // What a quantifier follows may be missing.
  return /^[*?{]/.test(pattern.slice(plain.length)) ? plain.slice(0, -1) : plain;
}

/** Exact paths, then the longest prefix; or, where there are regular expressions, the first that matches. */
function orderOwn(server: Server, notes: Notes): OrderedLocation[] {
  const sorted = server.locations
    .flatMap((location) => divided(location, server))
    .toSorted((a, b) => b.path.length - a.path.length || (a.path < b.path ? 1 : a.path > b.path ? -1 : 0));
  if (usesRegex(server)) return sorted.flatMap((location) => asPattern(location, server, notes));
  return [
    ...sorted.filter(({ pathType }) => pathType === "Exact"),
    ...sorted.filter(({ pathType }) => pathType === "Prefix"),
  ].map((location) => ({
    location,
    path: {
      type: location.pathType === "Exact" ? ("Exact" as const) : ("PathPrefix" as const),
      value: literalPath(location.path),
    },
  }));
}

/**
 * A prefix stands twice among nginx's locations: with a slash at its end, and for the path itself. That only shows where its
 * target is the path itself, which leaves one of them alone.
 */
function divided(location: Location, server: Server): Location[] {
  const { path, pathType, settings } = location;
  const isOwnTarget = settings.rewrite.target === path && path !== "/" && !path.endsWith("/");
  if (!isOwnTarget || pathType === "Exact" || settings.rewrite.useRegex) return [location];
  const withSlash: Location = { ...location, path: `${path}/` };
  return hasExact(path, server) ? [withSlash] : [withSlash, { ...location, pathType: "Exact" }];
}

function asPattern(location: Location, server: Server, notes: Notes): OrderedLocation[] {
  const path = patternPath(location, server);
  if (path === "/") return [{ location, path: { type: "PathPrefix", value: "/" } }];
  const problem = pathPatternError(path);
  if (problem !== undefined) {
    notes.add(location.origin, {
      code: "match-regex-invalid",
      message: `as a regular expression that runs in linear time, ${JSON.stringify(path)} is not possible: ${problem}`,
      remedy: "Write it without look-around and back-references, and with smaller repetitions.",
    });
    return [];
  }
  return [{ location, path: { type: "RegularExpression", value: locationPattern(path) } }];
}

/**
 * A prefix stands twice among nginx's locations, with a slash at its end and, unless there is an Exact path of that name,
 * without. Where both begin expressions the shorter one says it all.
 */
function patternPath({ path, pathType, settings }: Location, server: Server): string {
  if (path === "/" || pathType === "Exact" || settings.rewrite.useRegex) return path;
  if (isRewritten(settings.rewrite, path)) return path;
  return hasExact(path, server) && !path.endsWith("/") ? `${path}/` : path;
}

function hasExact(path: string, { locations }: Server): boolean {
  return locations.some((other) => other.pathType === "Exact" && other.path === path);
}

/** The gateway matches paths in their canonical spelling, in which other characters are percent-encoded. */
export function literalPath(path: string): string {
  return path.replace(/[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]+/gu, (characters) =>
    characters.isWellFormed() ? encodeURIComponent(characters) : characters,
  );
}
