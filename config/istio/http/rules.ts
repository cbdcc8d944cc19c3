// HTTPRoute → rules of the model, for one place where requests come in.
import { limits } from "#contract/limits.ts";
import type { ObjectField } from "../../kubernetes/object.ts";
import type { Destinations, Target, Use } from "../backend/destinations.ts";
import type { HttpMatch, HttpRoute } from "../kinds/virtual-service.ts";
import type { Entry } from "../listen/entry.ts";
import type { MeshDefaults } from "../mesh-config.ts";
import { approximated, at, invalid, unsupported, type Place } from "../../kubernetes/field-notes.ts";
import { corsFilter } from "./cors.ts";
import type { PlacedRoute } from "./delegate.ts";
import { faultFilter } from "./fault.ts";
import { headerFilters, type Filter } from "./header-changes.ts";
import { isCatchAll, isFor, toMatches, type Match, type RuleInput } from "./match.ts";
import { prefixRewrite, splitAuthority } from "./path-change.ts";
import { redirectFilter } from "./redirect.ts";
import { toRetry, toTimeouts } from "./retries.ts";

export interface OrderedRule {
  readonly rule: RuleInput;
  readonly origin: ObjectField;
  /** Takes whatever the host's other rules leave. */
  readonly isCatchAll: boolean;
}

export interface RuleContext {
  readonly destinations: Destinations;
  /** Of routes without `retries`, as the mesh's configuration has it. */
  readonly defaultRetries: MeshDefaults["retries"];
  /** Access control of a rule whose requests go to these. */
  securityOf(entry: Entry, targets: readonly Target[], place: Place): RuleInput["securityPolicy"];
  /** Whether tokens are verified where requests come in. */
  readsTokens(entry: Entry): boolean;
}

export function toRules(
  placed: PlacedRoute,
  entry: Entry,
  namespace: string,
  context: RuleContext,
): OrderedRule[] {
  const { route, place } = placed;
  const alternatives = alternativesOf(placed, entry, namespace, context.readsTokens(entry));
  if (alternatives.length === 0) return [];
  const answer = answerOf(placed, entry, context);
  // What a prefix is replaced with depends on which one it was.
  const isApart = route.rewrite?.uri !== undefined || route.redirect?.prefixRewrite !== undefined;
  return grouped(alternatives, isApart).flatMap(({ match, matches, isAll }, index, all) => {
    const filters = [...answer.filters, ...pathFilters(placed, match, entry, answer.host)];
    const name = ruleName(route.name, all.length > 1 ? index : undefined);
    return chunks(matches).map((chunk, part) => ({
      origin: place,
      isCatchAll: isAll,
      rule: {
        ...(name !== undefined && { name: part === 0 ? name : `${name}.${part}` }),
        ...(chunk.length > 0 && { matches: chunk }),
        ...(filters.length > 0 && { filters }),
        ...answer.rest,
      },
    }));
  });
}

interface Alternative {
  readonly match: HttpMatch;
  readonly matches: readonly Match[];
}

/** The matches that are for requests of this place, up to the first that takes all. */
function alternativesOf(
  { route, matchPlaces }: PlacedRoute,
  entry: Entry,
  namespace: string,
  readsTokens: boolean,
): Alternative[] {
  if (!route.match?.length) return [{ match: {}, matches: [{}] }];
  return route.match.flatMap((match, index) => {
    if (!isFor(match, entry, namespace)) return [];
    const matches = toMatches(match, entry, readsTokens, matchPlaces[index]!);
    return matches.length === 0 ? [] : [{ match, matches }];
  });
}

interface Group {
  readonly match: HttpMatch;
  /** Empty: every request. */
  readonly matches: readonly Match[];
  readonly isAll: boolean;
}

/** One rule for all matches, or one each; what takes every request is apart, since it goes behind all others. */
function grouped(alternatives: readonly Alternative[], isApart: boolean): Group[] {
  const groups: { match: HttpMatch; matches: Match[]; isAll: boolean }[] = [];
  for (const { match, matches } of alternatives) {
    const isAll = matches.some(isCatchAll);
    const last = groups.at(-1);
    if (isAll) groups.push({ match, matches: [], isAll });
    else if (last && !isApart) last.matches.push(...matches);
    else groups.push({ match, matches: [...matches], isAll });
    // Those behind it could never match.
    if (isAll) break;
  }
  return groups;
}

function chunks(matches: readonly Match[]): Match[][] {
  if (matches.length === 0) return [[]];
  const size = limits.matchesPerRule;
  return Array.from({ length: Math.ceil(matches.length / size) }, (_, index) =>
    matches.slice(index * size, (index + 1) * size),
  );
}

/** Names of routes may be any text; rules' are short, and begin with a letter. */
function ruleName(name: string | undefined, index: number | undefined): string | undefined {
  const valid = (name ?? "")
    .replace(/[^A-Za-z0-9._-]/g, "-")
    .replace(/^[^A-Za-z]+/, "")
    .slice(0, 56)
    .replace(/[^A-Za-z0-9]+$/, "");
  if (valid === "") return undefined;
  return index === undefined ? valid : `${valid}-${index}`;
}

/** What does not depend on which match it was. */
function answerOf(placed: PlacedRoute, entry: Entry, context: RuleContext) {
  const { route, placeOf } = placed;
  // Short names are those of the object in which they stand.
  const useOf = (place: Place): Use => ({
    isHttp: true,
    listenerPort: entry.port,
    client: place.object.namespace,
  });
  const { filters: headers, host } = headerFilters(route.headers, placeOf("headers"));
  const filters: Filter[] = [
    ...headers,
    ...(route.corsPolicy ? [corsFilter(route.corsPolicy, placeOf("corsPolicy"))] : []),
    ...(route.fault ? faultFilter(route.fault, placeOf("fault")) : []),
  ];
  checkAction(placed);
  if (route.redirect || route.directResponse) {
    const security = context.securityOf(entry, [], placed.place);
    return { filters, host: undefined, rest: { ...(security && { securityPolicy: security }) } };
  }
  const { refs, targets } = refsOf(placed, useOf(placeOf("route")), context.destinations);
  filters.push(...mirrorFilters(placed, useOf, context.destinations));
  const security = context.securityOf(entry, targets, placed.place);
  const rest: Omit<RuleInput, "matches" | "filters"> = {
    backendRefs: refs,
    ...toTimeouts(route.timeout),
    retry: toRetry(...retriesOf(placed, context.defaultRetries)),
    ...(security && { securityPolicy: security }),
  };
  return { filters, host, rest };
}

function retriesOf(
  { route, placeOf }: PlacedRoute,
  defaults: MeshDefaults["retries"],
): Parameters<typeof toRetry> {
  return route.retries || !defaults ? [route.retries, placeOf("retries")] : [defaults.value, defaults.place];
}

function checkAction({ route, place }: PlacedRoute): void {
  const actions = [route.route?.length ? route.route : undefined, route.redirect, route.directResponse];
  if (actions.filter((action) => action !== undefined).length === 1) return;
  invalid(place, "expected a route, a redirect or a directResponse, one of them");
}

/** A single destination gets all, whatever its weight; of several those without weight get none. */
function refsOf({ route, placeOf }: PlacedRoute, use: Use, destinations: Destinations) {
  const all = route.route ?? [];
  const place = placeOf("route");
  if (all.length > 1 && all.every(({ weight = 0 }) => weight === 0)) {
    invalid(place, "of several destinations one needs a weight");
  }
  const targets: Target[] = [];
  const refs = all.map(({ destination, weight = 0, headers }, index) => {
    const own = at(place, index);
    const target = destinations.find(destination, use, at(own, "destination"));
    if (all.length === 1 || weight > 0) targets.push(target);
    const { filters, host } = headerFilters(headers, at(own, "headers"));
    if (host !== undefined) filters.push(...hostRewrite(host, at(own, "headers")));
    return {
      name: target.backend,
      ...(all.length > 1 && { weight }),
      ...(filters.length > 0 && { filters }),
    };
  });
  return { refs, targets };
}

function mirrorFilters(
  { route, placeOf }: PlacedRoute,
  useOf: (place: Place) => Use,
  destinations: Destinations,
): Filter[] {
  const single =
    route.mirrorPercentage?.value ??
    (route.mirrorPercentage ? 0 : (route.mirrorPercent ?? route.mirror_percent ?? 100));
  const mirrors = [
    ...(route.mirror ? [{ destination: route.mirror, share: single, place: placeOf("mirror") }] : []),
    ...(route.mirrors ?? []).map(({ destination, percentage }, index) => ({
      destination,
      share: percentage ? (percentage.value ?? 0) : 100,
      place: at(placeOf("mirrors"), index, "destination"),
    })),
  ];
  return mirrors
    .filter(({ share }) => share > 0)
    .map(({ destination, share, place }) => ({
      type: "RequestMirror",
      requestMirror: {
        backendRef: { name: destinations.find(destination, useOf(place), place).backend },
        ...(share < 100 &&
          (Number.isInteger(share)
            ? { percent: share }
            : { fraction: { numerator: Math.round(share * 10_000), denominator: 1_000_000 } })),
      },
    }));
}

/** Redirects, answers and rewrites: what a path is replaced with depends on the match. */
function pathFilters(
  { route, placeOf }: PlacedRoute,
  match: HttpMatch,
  entry: Entry,
  host: string | undefined,
): Filter[] {
  if (route.redirect) return [redirectFilter(route.redirect, match, entry, placeOf("redirect"))];
  if (route.directResponse) return directResponse(route.directResponse, placeOf("directResponse"));
  const { uri, uriRegexRewrite, authority } = route.rewrite ?? {};
  const place = placeOf("rewrite");
  const path = uriRegexRewrite
    ? {
        type: "ReplaceRegexMatch" as const,
        replaceRegexMatch: { pattern: uriRegexRewrite.match, substitution: uriRegexRewrite.rewrite },
      }
    : uri
      ? prefixRewrite(uri, match)
      : undefined;
  const name = authority || host;
  const [hostFilter] = name === undefined ? [] : hostRewrite(name, place);
  const hostname = hostFilter?.type === "URLRewrite" ? hostFilter.urlRewrite.hostname : undefined;
  if (!path && hostname === undefined) return [];
  return [
    {
      type: "URLRewrite",
      urlRewrite: { ...(hostname !== undefined && { hostname }), ...(path && { path }) },
    },
  ];
}

function hostRewrite(authority: string, place: Place): Filter[] {
  const { host, port } = splitAuthority(authority);
  if (port !== undefined) approximated(place, `the endpoint sees the host ${host} without its port`);
  return [{ type: "URLRewrite", urlRewrite: { hostname: host } }];
}

function directResponse({ status, body }: NonNullable<HttpRoute["directResponse"]>, place: Place): Filter[] {
  const text = body?.string ?? (body?.bytes === undefined ? undefined : decoded(body.bytes));
  if (body?.bytes !== undefined && text === undefined) {
    unsupported(at(place, "body", "bytes"), "the body is not text in UTF-8");
  }
  return [
    {
      type: "DirectResponse",
      directResponse: {
        statusCode: status,
        ...(text !== undefined && text !== "" && { body: { type: "Inline", inline: text } }),
      },
    },
  ];
}

function decoded(base64: string): string | undefined {
  try {
    const octets = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(octets);
  } catch {
    return undefined;
  }
}
