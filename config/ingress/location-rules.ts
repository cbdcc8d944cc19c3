// A location → the rules that it is here, in the order in which they are to be tried.
import { isRewritten, rewriteFilter } from "./annotation/rewrite.ts";
import { appRootFilter } from "./annotation/redirects.ts";
import type { OrderedLocation } from "./locations.ts";
import type { PlacedRule, RouteContext } from "./routes.ts";
import { joinFilters, type FilterInput, type MatchInput, type RuleInput } from "./rule-parts.ts";
import type { Location, Server } from "./server.ts";

export function rulesOfLocation(
  { location, path }: OrderedLocation,
  server: Server,
  scheme: "http" | "https",
  context: RouteContext,
): PlacedRule[] {
  const { settings, ingress, origin, service } = location;
  const match = matchOf({ path }, server);
  const place = (rule: RuleInput): PlacedRule => ({
    rule: { ...(Object.keys(match).length > 0 && { matches: [match] }), ...rule },
    ingress,
    origin,
  });
  if (redirectsToHttps(location, server, scheme))
    return [place({ filters: [settings.redirects.httpsFilter] })];
  const answer = answerOf(location);
  if (answer) return [place({ filters: [answer] })];
  // Nobody asks for it: what no rule matches is answered 404 anyway.
  if (!service) return [];
  const filters = joinFilters([...rewriteOf(location), ...settings.filters]);
  return [
    place({
      ...(filters.length > 0 && { filters }),
      ...settings.policies,
      backendRefs: [{ name: context.backends.nameOf(location, service, origin) }],
    }),
  ];
}

/** Redirects of `/` to an application's root, which stand in front of all locations of the host. */
export function appRootRules(server: Server): PlacedRule[] {
  return server.locations.flatMap(({ settings, ingress, origin }) => {
    const { appRoot } = settings.redirects;
    if (appRoot === undefined) return [];
    const match = matchOf({ path: { type: "Exact", value: "/" } }, server);
    return [{ rule: { matches: [match], filters: [appRootFilter(appRoot)] }, ingress, origin }];
  });
}

/** A wildcard of an Ingress stands for one label (RFC 6125 §6.4.3), one of the model for any number of them. */
function matchOf({ path }: MatchInput, { host }: Server): MatchInput {
  const isEvery = path?.type === "PathPrefix" && path.value === "/";
  const label = host.startsWith("*.") && `(?i)[^.:]+${host.slice(1).replaceAll(".", "\\.")}(?::[0-9]*)?`;
  return {
    ...(!isEvery && path && { path }),
    ...(label && { headers: [{ type: "RegularExpression", name: "host", value: label }] }),
  };
}

function redirectsToHttps({ settings }: Location, { hasTls }: Server, scheme: "http" | "https"): boolean {
  if (scheme === "https") return false;
  const { toHttps } = settings.redirects;
  return toHttps === "always" || (toHttps === "with-tls" && hasTls);
}

/** What answers every request of the location. */
function answerOf(location: Location): FilterInput | undefined {
  if (location.settings.redirects.answer) return location.settings.redirects.answer;
  return rewriteOf(location).find(({ type }) => type === "RequestRedirect");
}

function rewriteOf({ settings, path }: Location): FilterInput[] {
  const { target } = settings.rewrite;
  return target !== undefined && isRewritten(settings.rewrite, path) ? [rewriteFilter(path, target)] : [];
}
