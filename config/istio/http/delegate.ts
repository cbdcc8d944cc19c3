// Routes that another VirtualService has for this one, merged as `MergeHTTPRoutes` does.
import { gatewayId, isExportedTo } from "../host.ts";
import type { HttpMatch, HttpRoute, VirtualService } from "../kinds/virtual-service.ts";
import type { StringMatch } from "../kinds/values.ts";
import { at, ignored, invalid, unknownReference, type Place } from "../../kubernetes/field-notes.ts";
import type { ResourceSet } from "../../kubernetes/resource-set.ts";
import { virtualServiceKind } from "../kinds/virtual-service.ts";

/** A route with the places of its fields: what it inherits stands elsewhere. */
export interface PlacedRoute {
  readonly route: HttpRoute;
  readonly place: Place;
  readonly matchPlaces: readonly Place[];
  placeOf(field: keyof HttpRoute): Place;
}

/** `exportTo`: of VirtualServices that do not say it. */
export function placedRoutes(
  service: VirtualService,
  set: ResourceSet,
  exportTo: readonly string[],
  place: Place,
): PlacedRoute[] {
  return (service.body.spec.http ?? []).flatMap((route, index) => {
    const own = at(place, "spec", "http", index);
    return route.delegate ? delegated(route, service, set, exportTo, own) : [placed(route, own)];
  });
}

function placed(route: HttpRoute, place: Place): PlacedRoute {
  const matchPlaces = (route.match ?? []).map((_, index) => at(place, "match", index));
  return { route, place, matchPlaces, placeOf: (field) => at(place, field) };
}

function delegated(
  root: HttpRoute,
  service: VirtualService,
  set: ResourceSet,
  exportTo: readonly string[],
  place: Place,
): PlacedRoute[] {
  const field = at(place, "delegate");
  const namespace = root.delegate!.namespace || service.namespace;
  const name = root.delegate!.name ?? service.name;
  const found = set.get(virtualServiceKind, namespace, name);
  // Only those without hosts are for others (`mergeVirtualServicesIfNeeded`).
  const usable =
    found &&
    !found.body.spec.hosts?.length &&
    isExportedTo(found.body.spec.exportTo, namespace, service.namespace, exportTo);
  if (!usable) {
    const reason = found
      ? "is not to be delegated to: it has hosts, or is not exported here"
      : "is not in the files";
    unknownReference(field, `the VirtualService ${namespace}/${name} ${reason}: the route is left out`);
    return [];
  }
  if (root.route ?? root.redirect) {
    invalid(field, "a route that delegates has no route or redirect of its own");
  }
  const base: Place = { notes: place.notes, object: found.object, path: [] };
  return (found.body.spec.http ?? []).flatMap((leaf, index) =>
    mergedRoute(root, place, leaf, at(base, "spec", "http", index)),
  );
}

const inherited = [
  "rewrite",
  "directResponse",
  "timeout",
  "retries",
  "fault",
  "mirror",
  "mirrorPercent",
  "mirrorPercentage",
  "corsPolicy",
  "mirrors",
  "headers",
] as const satisfies readonly (keyof HttpRoute)[];

function mergedRoute(root: HttpRoute, rootPlace: Place, leaf: HttpRoute, place: Place): PlacedRoute[] {
  const matches = mergedMatches(matchesOf(root, rootPlace), matchesOf(leaf, place));
  if (!matches) {
    ignored(place, "none of its matches is within those of the route that delegates: it is left out");
    return [];
  }
  if (leaf.delegate) invalid(at(place, "delegate"), "what is delegated to cannot delegate again");
  const names = [root.name, leaf.name].filter((name) => name !== undefined && name !== "");
  const fromRoot = new Set<string>(
    inherited.filter((field) => leaf[field] === undefined && root[field] !== undefined),
  );
  const taken = Object.fromEntries([...fromRoot].map((field) => [field, root[field as keyof HttpRoute]]));
  const { delegate: _delegate, ...own } = leaf;
  const route: HttpRoute = {
    ...own,
    ...taken,
    ...(names.length > 0 && { name: names.join("-") }),
    match: matches.map(({ match }) => match),
  };
  return [
    {
      route,
      place,
      matchPlaces: matches.map(({ at: where }) => where),
      placeOf: (field) => at(fromRoot.has(field) ? rootPlace : place, field),
    },
  ];
}

interface PlacedMatch {
  readonly match: HttpMatch;
  readonly at: Place;
}

/** Names of Gateways are those of the object in which they stand. */
function matchesOf({ match = [] }: HttpRoute, place: Place): PlacedMatch[] {
  return match.map((one, index) => ({
    match: {
      ...one,
      ...(one.gateways && { gateways: one.gateways.map((name) => gatewayId(name, place.object.namespace)) }),
    },
    at: at(place, "match", index),
  }));
}

/** `undefined`: a match of the leaf is within none of the root. */
function mergedMatches(
  root: readonly PlacedMatch[],
  leaf: readonly PlacedMatch[],
): readonly PlacedMatch[] | undefined {
  if (leaf.length === 0) return root;
  if (root.length === 0) return leaf;
  const merged: PlacedMatch[] = [];
  for (const narrow of leaf) {
    const wider = root.filter((wide) => !conflicts(wide.match, narrow.match));
    if (wider.length === 0) return undefined;
    merged.push(...wider.map((wide) => ({ match: mergedMatch(wide.match, narrow.match), at: narrow.at })));
  }
  return merged;
}

function mergedMatch(root: HttpMatch, leaf: HttpMatch): HttpMatch {
  const gateways = leaf.gateways?.length ? leaf.gateways : root.gateways;
  return {
    ...root,
    ...leaf,
    headers: { ...root.headers, ...leaf.headers },
    withoutHeaders: { ...root.withoutHeaders, ...leaf.withoutHeaders },
    queryParams: { ...root.queryParams, ...leaf.queryParams },
    sourceLabels: { ...root.sourceLabels, ...leaf.sourceLabels },
    ...(gateways && { gateways }),
  };
}

/** `hasConflict`. */
function conflicts(root: HttpMatch, leaf: HttpMatch): boolean {
  const texts = (["uri", "scheme", "method", "authority"] as const).some((field) =>
    textConflicts(root[field], leaf[field]),
  );
  const maps = (["headers", "withoutHeaders", "queryParams"] as const).some((field) =>
    Object.entries(leaf[field] ?? {}).some(([name, value]) => textConflicts(root[field]?.[name], value)),
  );
  if (texts || maps || (root.ignoreUriCase ?? false) !== (leaf.ignoreUriCase ?? false)) return true;
  if (root.port !== undefined && leaf.port !== undefined && root.port !== leaf.port) return true;
  if (root.sourceNamespace && leaf.sourceNamespace !== root.sourceNamespace) return true;
  const labels = root.sourceLabels ?? {};
  if (Object.entries(leaf.sourceLabels ?? {}).some(([name, value]) => (labels[name] ?? value) !== value))
    return true;
  if (!root.gateways?.length || !leaf.gateways?.length) return false;
  return !leaf.gateways.every((gateway) => root.gateways!.includes(gateway));
}

/** `stringMatchConflict`: an expression goes with nothing else; a leaf must be within the root's text. */
function textConflicts(root: StringMatch | null | undefined, leaf: StringMatch | null | undefined): boolean {
  if (!root || !leaf) return false;
  if (root.regex || leaf.regex) return true;
  if (root.exact) return leaf.exact !== root.exact;
  if (root.prefix) return !(leaf.prefix || leaf.exact || "").startsWith(root.prefix);
  return true;
}
