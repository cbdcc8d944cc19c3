// The locations of a host in the order in which nginx tries them, each with the match that it is here.
import { locationPattern, pathPatternError } from "./annotation/rewrite.ts";
import type { Notes } from "../kubernetes/notes.ts";
import { isRewritten } from "./annotation/rewrite.ts";
import type { MatchInput } from "./rule-parts.ts";
import { usesRegex, type Location, type Server } from "./server.ts";

export interface OrderedLocation {
  readonly location: Location;
  readonly path: NonNullable<MatchInput["path"]>;
}

/** Exact paths, then the longest prefix; or, where there are regular expressions, the first that matches. */
export function orderLocations(server: Server, notes: Notes): OrderedLocation[] {
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
