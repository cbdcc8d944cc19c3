// A location → the rules that it is here, in the order in which they are to be tried.
import { literal } from "../pattern-text.ts";
import { withHost } from "./annotation/external-auth.ts";
import type { Controller } from "./controller/controller.ts";
import { blockedRules } from "./controller/blocked-clients.ts";
import { forwardedPrefixFilter, vhostFilter, type LocationFacts } from "./annotation/headers.ts";
import { appRootFilter } from "./annotation/redirects.ts";
import { isRewritten, rewriteFilter } from "./annotation/rewrite.ts";
import type { Ingress } from "./kinds.ts";
import type { OrderedLocation } from "./locations.ts";
import type { PlacedRule, RouteContext } from "./routes.ts";
import {
  joinFilters,
  joinMatches,
  type FilterInput,
  type MatchInput,
  type RuleInput,
  type RulePolicies,
} from "./rule-parts.ts";
import { hasTls, speaksFor, usesRegex, type Location, type Server } from "./server.ts";
import type { Snippet } from "./snippet/read-snippet.ts";
import type { SnippetAnswer } from "./snippet/snippet-context.ts";
import type { Settings } from "./settings.ts";
import type { Values } from "./values.ts";

export function rulesOfLocation(
  { location, path }: OrderedLocation,
  server: Server,
  scheme: "http" | "https",
  context: RouteContext,
): PlacedRule[] {
  const { settings, ingress, origin } = location;
  const match = matchOf({ path }, server);
  const place = (rule: RuleInput, ...conditions: MatchInput[]): PlacedRule => {
    const joined = joinMatches([match, ...conditions]);
    const isEvery = Object.keys(joined).length === 0;
    return { rule: { ...(!isEvery && { matches: [joined] }), ...rule }, ingress, origin };
  };
  // nginx answers in its rewrite phase, before ingress-nginx's Lua redirects to HTTPS.
  const answers = [settings.snippet, context.controller.snippets.location].flatMap((snippet) =>
    answersOf(snippet, scheme),
  );
  const early = answers.map(({ match: condition, filter }) => place({ filters: [filter] }, condition));
  // An answer without condition leaves nothing for what comes after it.
  const isWhole = answers.some((one) => Object.keys(one.match).length === 0);
  return isWhole ? early : [...early, ...lateRules(location, server, scheme, place, context)];
}

type Place = (rule: RuleInput, ...conditions: MatchInput[]) => PlacedRule;

function lateRules(
  location: Location,
  server: Server,
  scheme: "http" | "https",
  place: Place,
  context: RouteContext,
): PlacedRule[] {
  const { settings, service } = location;
  const answer = answerOf(location);
  if (answer) return [place({ filters: [answer] })];
  const redirected = redirectedToHttps(location, server, scheme, context);
  const redirects = redirected.map((match) => place({ filters: [settings.redirects.httpsFilter] }, match));
  const isWhole = redirected.some((match) => Object.keys(match).length === 0);
  // Nobody asks for it: what no rule matches is answered 404 anyway.
  if (isWhole || !service) return redirects;
  const filters = joinFilters([
    ...filtersOf(location, server, context.controller),
    ...replacementFilters(location, server, context),
    ...errorPageFilters(location, server, context),
  ]);
  const variants = variantsOf(location, server, context);
  const targets = targetsOf(location, scheme, context).flatMap(({ condition, backendRefs }) =>
    variants.map((variant) =>
      place(
        { ...(filters.length > 0 && { filters }), ...variant.policies, backendRefs },
        ...variant.conditions,
        condition,
      ),
    ),
  );
  return [...redirects, ...targets];
}

/** What no location of a wildcard host takes is answered 404, before the rules of the server for hosts without one. */
export function wildcardRest(server: Server): PlacedRule[] {
  const rest = server.locations.find(({ isDefault, service }) => isDefault && !service);
  if (!rest) return [];
  const filters: FilterInput[] = [{ type: "DirectResponse", directResponse: { statusCode: 404 } }];
  return [{ rule: { matches: [matchOf({}, server)], filters }, ingress: rest.ingress, origin: rest.origin }];
}

/** What the `server-snippet` of the host answers, and then that of the controller, in front of all locations. */
export function serverSnippetRules(
  server: Server,
  scheme: "http" | "https",
  { settings, snippets }: Controller,
): PlacedRule[] {
  const { snippetSource } = server;
  const [first] = server.locations;
  return [
    ...(snippetSource
      ? snippetRules(
          snippetSource.settings.serverSnippet,
          snippetSource.settings.annotations,
          snippetSource.ingress,
          server,
          scheme,
        )
      : []),
    ...(first ? snippetRules(snippets.server, settings, first.ingress, server, scheme) : []),
  ];
}

function snippetRules(
  snippet: Snippet,
  values: Values,
  ingress: Ingress,
  server: Server,
  scheme: "http" | "https",
): PlacedRule[] {
  // Among locations expressions go before prefixes, and of these the longest first.
  const answers = answersOf(snippet, scheme).toSorted(
    (a, b) => (b.prefix?.path.length ?? Infinity) - (a.prefix?.path.length ?? Infinity) || 0,
  );
  return answers.map(({ match, filter, prefix }) => {
    if (prefix && isHidden(prefix, server)) {
      values.unsupported(
        "server-snippet",
        `location ${prefix.path}: paths of Ingresses go before it, so it cannot answer in front of them`,
        "Write location = PATH, location ~ EXPRESSION, or an Ingress of its own.",
      );
    }
    const joined = joinMatches([matchOf({}, server), match]);
    const isEvery = Object.keys(joined).length === 0;
    const rule = { ...(!isEvery && { matches: [joined] }), filters: [filter] };
    return { rule, ingress, origin: values.field("server-snippet") };
  });
}

/** Whether nginx would find another location for some of the paths that begin with this one. */
function isHidden({ path, beforePatterns }: NonNullable<SnippetAnswer["prefix"]>, server: Server): boolean {
  if (usesRegex(server)) return !beforePatterns;
  return server.locations.some((location) => !location.isDefault && location.path.startsWith(path));
}

/** Clients that no location of the host answers; the rules are the oldest Ingress's. */
export function blockedClients(server: Server, blocked: readonly MatchInput[]): PlacedRule[] {
  const [first] = server.locations;
  if (!first) return [];
  const { ingress, origin } = first;
  return blockedRules(blocked, matchOf({}, server)).map((rule) => ({ rule, ingress, origin }));
}

function answersOf({ answers }: Snippet, scheme: "http" | "https"): readonly SnippetAnswer[] {
  return answers.filter((answer) => answer.scheme === undefined || answer.scheme === scheme);
}

/** `allow` and `deny` of a location replace those of its server. */
function snippetNetworks(settings: Settings, { snippetSource }: Server): Pick<Snippet, "allow" | "deny"> {
  const isOwn = settings.snippet.allow.length + settings.snippet.deny.length > 0;
  return isOwn ? settings.snippet : (snippetSource?.settings.serverSnippet ?? settings.snippet);
}

/** Redirects of `/` to an application's root, which stand in front of all locations of the host. */
export function appRootRules(server: Server): PlacedRule[] {
  // The first one answers.
  const location = server.locations.find(
    ({ settings, ingress }) => settings.redirects.appRoot !== undefined && speaksFor(server, ingress),
  );
  if (!location) return [];
  const { settings, ingress } = location;
  const match = matchOf({ path: { type: "Exact", value: "/" } }, server);
  const rule = { matches: [match], filters: [appRootFilter(settings.redirects.appRoot!)] };
  return [{ rule, ingress, origin: settings.annotations.field("app-root") }];
}

/** A wildcard of an Ingress stands for one label (RFC 6125 §6.4.3), one of the model for any number of them. */
function matchOf({ path }: MatchInput, { host }: Server): MatchInput {
  const isEvery = path?.type === "PathPrefix" && path.value === "/";
  const label = host.startsWith("*.") && `(?i)[^.:]+${literal(host.slice(1))}(?::[0-9]*)?`;
  return {
    ...(!isEvery && path && { path }),
    ...(label && { headers: [{ type: "RegularExpression", name: "host", value: label }] }),
  };
}

/** Conditions, one of which holds for requests that are sent to HTTPS; an empty one: all of them. */
function redirectedToHttps(
  { settings, path, ingress }: Location,
  server: Server,
  scheme: "http" | "https",
  { controller }: RouteContext,
): MatchInput[] {
  const { toHttps } = settings.redirects;
  const isWanted = toHttps === "always" || (toHttps === "with-tls" && hasTls(server, ingress));
  if (!isWanted || controller.withoutRedirect.some((beginning) => path.startsWith(beginning))) return [];
  if (!controller.usesForwardedHeaders) return scheme === "http" ? [{}] : [];
  // Whoever ended TLS in front says so.
  const name = "X-Forwarded-Proto";
  const saysHttp: MatchInput = { headers: [{ name, value: "http" }] };
  return scheme === "https" ? [saysHttp] : [saysHttp, { headers: [{ type: "Absent", name }] }];
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

function filtersOf(location: Location, server: Server, { snippets: general }: Controller): FilterInput[] {
  const { settings } = location;
  const rewrite = rewriteOf(location);
  const facts = factsOf(location, server);
  const snippets = [
    settings.snippet,
    general.location,
    server.snippetSource?.settings.serverSnippet,
    general.server,
  ];
  return joinFilters([
    ...rewrite,
    ...(rewrite.length > 0 ? forwardedPrefixFilter(settings.annotations) : []),
    ...vhostFilter(facts, settings.annotations),
    ...settings.filters,
    ...snippets.flatMap((snippet) => snippet?.filters.map((filterFor) => filterFor(facts)) ?? []),
  ]);
}

/** What ingress-nginx tells the default backend where it answers in place of the Service. */
function replacementFilters(location: Location, server: Server, { backends }: RouteContext): FilterInput[] {
  const { service, settings } = location;
  if (settings.errorPages.service === undefined || !service) return [];
  if (!backends.isReplaced(location, service)) return [];
  const set = [{ name: "X-Code", value: "503" }, ...toldFacts(location, server)];
  const format = { name: "X-Format", parts: [{ from: "Header" as const, name: "Accept" }] };
  return [
    {
      type: "RequestHeaderModifier",
      requestHeaderModifier: { set, setFrom: [{ ...format, keepEmptyValue: false }] },
    },
  ];
}

function toldFacts(location: Location, server: Server): { name: string; value: string }[] {
  const { namespace, ingressName, serviceName, servicePort } = factsOf(location, server);
  return [
    { name: "X-Namespace", value: namespace },
    { name: "X-Ingress-Name", value: ingressName },
    { name: "X-Service-Name", value: serviceName },
    { name: "X-Service-Port", value: servicePort },
  ].filter(({ value }) => value !== "");
}

/** Most statuses of one entry of a ResponseOverride. */
const maxStatuses = 50;

/** `custom-http-errors`, with what ingress-nginx tells the default backend. */
function errorPageFilters(location: Location, server: Server, { backends }: RouteContext): FilterInput[] {
  const { statuses } = location.settings.errorPages;
  const name = statuses.length > 0 ? backends.defaultNameOf(location) : undefined;
  if (name === undefined) return [];
  const response = { backendRef: { name }, requestHeaders: toldFacts(location, server) };
  const statusCodes = statuses.map((value) => ({ type: "Value" as const, value }));
  const responseOverride = [];
  for (let start = 0; start < statusCodes.length; start += maxStatuses) {
    responseOverride.push({
      match: { statusCodes: statusCodes.slice(start, start + maxStatuses) },
      response,
    });
  }
  return [{ type: "ResponseOverride", responseOverride }];
}

function factsOf({ ingress, service }: Location, { host }: Server): LocationFacts {
  return {
    host,
    namespace: ingress.namespace,
    ingressName: ingress.name,
    serviceName: service?.name ?? "",
    servicePort: String(service?.port.number ?? service?.port.name ?? ""),
  };
}

interface Target {
  readonly condition: MatchInput;
  readonly backendRefs: NonNullable<RuleInput["backendRefs"]>;
}

/** The location's Service and its canary's: by header and cookie first, then by weight. */
function targetsOf(location: Location, scheme: "http" | "https", { backends }: RouteContext): Target[] {
  const { canary, settings, origin } = location;
  const primary = backends.nameOf(location, location.service!, scheme, origin);
  const every = [{ condition: {}, backendRefs: [{ name: primary }] }];
  if (!canary) return every;
  // Of the canary's own annotations those on balancing count; what is spoken is the location's.
  const source = { ...canary, settings: { ...canary.settings, endpoints: settings.endpoints } };
  const second = backends.nameOf(source, canary.service, scheme, origin);
  if (second === primary) return every;
  const { choices, weight, weightTotal, withoutSessions } = canary.canary;
  const hasSessions = settings.policies.sessionPersistence !== undefined;
  const unbound = hasSessions && withoutSessions ? { sessionPersistence: false } : {};
  /** A session goes before header, cookie and weight, so both have to be there. */
  const split = (share: number): Target["backendRefs"] => {
    const refs = [
      { name: primary, weight: weightTotal - share },
      { name: second, weight: share, ...unbound },
    ];
    const drawn = refs.filter((ref) => ref.weight > 0);
    if (hasSessions || drawn.length > 1) return refs;
    return [{ name: drawn[0]!.name }];
  };
  return [
    ...choices.map(({ match, isCanary }) => ({
      condition: match,
      backendRefs: split(isCanary ? weightTotal : 0),
    })),
    { condition: {}, backendRefs: split(weight) },
  ];
}

interface Variant {
  readonly conditions: readonly MatchInput[];
  readonly policies: RulePolicies;
}

/** What holds for all clients, after what holds for those of some networks. */
function variantsOf({ settings, path }: Location, server: Server, { controller }: RouteContext): Variant[] {
  const { policies, withoutCredentials, withoutLimits } = settings;
  const isOpen = controller.withoutCredentials.some((beginning) => path.startsWith(beginning));
  const security = isOpen ? withoutPassword(securityOf(settings, server)) : securityOf(settings, server);
  const whole: Variant = { conditions: [], policies: withSecurity(policies, security) };
  const { rateLimit: _limits, ...unlimited } = policies;
  const open = withoutPassword(security);
  const free = networkConditions(withoutLimits);
  const trusted = networkConditions(withoutCredentials);
  return [
    ...free.flatMap((one) =>
      trusted.map((other) => ({ conditions: [one, other], policies: withSecurity(unlimited, open) })),
    ),
    ...free.map((one) => ({ conditions: [one], policies: withSecurity(unlimited, security) })),
    ...trusted.map((one) => ({ conditions: [one], policies: withSecurity(policies, open) })),
    whole,
  ];
}

function withoutPassword({ basicAuth: _password, extAuth: _asked, ...open }: Settings["security"]) {
  return open;
}

function securityOf(settings: Settings, server: Server): Settings["security"] {
  const security = withNetworks(settings.security, snippetNetworks(settings, server));
  if (!security.extAuth) return security;
  return { ...security, extAuth: withHost(security.extAuth, server.host, settings.annotations) };
}

/** The annotations' own come first in the location, so they decide where there are any. */
function withNetworks(
  security: Settings["security"],
  { allow, deny }: Pick<Snippet, "allow" | "deny">,
): Settings["security"] {
  if (security.clientCIDRs || allow.length + deny.length === 0) return security;
  const clientCIDRs = {
    ...(allow.length > 0 && { allow: [...allow] }),
    ...(deny.length > 0 && { deny: [...deny] }),
  };
  return { ...security, clientCIDRs };
}

function withSecurity(policies: RulePolicies, security: Settings["security"]): RulePolicies {
  return { ...policies, ...(Object.keys(security).length > 0 && { securityPolicy: security }) };
}

/** A match has at most so many networks. */
const maxNetworks = 256;

function networkConditions(networks: readonly string[]): MatchInput[] {
  const conditions: MatchInput[] = [];
  for (let start = 0; start < networks.length; start += maxNetworks) {
    conditions.push({ clientCIDRs: networks.slice(start, start + maxNetworks) });
  }
  return conditions;
}
