// `rateLimit` → rate limit policies of the model, to which every rule that is held to them refers.
import type { RateLimitPolicyInput } from "../../kubernetes/model-parts.ts";
import { withFields } from "../../with-fields.ts";
import { approximated, at, unsupported, type Place } from "../../kubernetes/field-notes.ts";
import type { TrafficSpec } from "../schema/backend-traffic-policy.ts";

type RateLimit = NonNullable<TrafficSpec["rateLimit"]>;
type Rule = NonNullable<RateLimit["global"]>["rules"][number];
type Selector = NonNullable<Rule["clientSelectors"]>[number];
type LimitInput = NonNullable<RateLimitPolicyInput["local"]>["rules"][number];
type SelectorInput = NonNullable<LimitInput["clientSelectors"]>[number];

/** `undefined`: nothing is limited. */
export function rateLimitOf(
  { global, local, type }: RateLimit,
  name: string,
  place: Place,
): RateLimitPolicyInput | undefined {
  // The deprecated `type` picks one of them.
  const shared = type === "Local" ? [] : (global?.rules ?? []);
  const own = type === "Global" ? [] : (local?.rules ?? []);
  if (own.length > 1 && own.some(({ clientSelectors = [] }) => clientSelectors.length === 0)) {
    const message =
      "the limit without clientSelectors holds for all clients, those of the other limits included";
    approximated(at(place, "local", "rules"), message, "Give each limit clientSelectors.");
  }
  const translated = (rules: readonly Rule[], scope: string): LimitInput[] =>
    rules.map((rule, index) => limitOf(rule, `${name}.${scope}.${index}`, at(place, scope, "rules", index)));
  if (shared.length + own.length === 0) return undefined;
  return {
    name,
    ...(shared.length > 0 && { global: { rules: translated(shared, "global") } }),
    ...(own.length > 0 && { local: { rules: translated(own, "local") } }),
  };
}

function limitOf(
  { clientSelectors = [], limit, cost, shared, shadowMode }: Rule,
  id: string,
  place: Place,
): LimitInput {
  const { requests, unit } = limit;
  if (requests === 0) {
    const remedy = "Write a SecurityPolicy whose authorization refuses them.";
    unsupported(at(place, "limit", "requests"), "a limit lets at least one request pass", remedy);
  }
  const number = cost?.request?.number;
  return {
    // Shown to clients, who are not told the namespace's whole name where it is long.
    name: id.replace(/[^A-Za-z0-9._-]/g, ".").slice(-64),
    ...(clientSelectors.length > 0 && {
      clientSelectors: clientSelectors.map((selector, index) =>
        selectorOf(selector, at(place, "clientSelectors", index)),
      ),
    }),
    limit: {
      requests: Math.max(1, requests),
      ...(unit === "Week" ? { window: "168h" } : { unit }),
      // All of it at the start of each interval, as Envoy and its rate limit service have it.
      algorithm: "FixedWindow",
    },
    ...(number !== undefined && number > 0 && { cost: { request: { from: "Number", number } } }),
    ...withFields({ shared, shadowMode }),
  };
}

type Request = NonNullable<SelectorInput["and"]>[number];

/** What tells counts apart has a place of its own; all other conditions hold, or must not where they are inverted. */
function selectorOf(
  { headers = [], sourceCIDR, methods = [], path, queryParams = [] }: Selector,
  place: Place,
): SelectorInput {
  const distinct = headers.filter(({ type }) => type === "Distinct");
  const lost = queryParams.findIndex(({ type }) => type === "Distinct");
  if (lost >= 0) {
    const remedy = "Tell clients apart by a header, or by their address.";
    unsupported(
      at(place, "queryParams", lost),
      "values of a query parameter have no counts of their own",
      remedy,
    );
  }
  const conditions = [
    ...headers.map(({ type, invert, ...rest }) => ({
      type,
      invert,
      request: { headers: [matchOf(type, rest)] },
    })),
    ...queryParams.map(({ type, invert, ...rest }) => ({
      type,
      invert,
      request: { queryParams: [matchOf(type, rest)] },
    })),
    ...methods.map(({ value, invert }) => ({ type: undefined, invert, request: { method: value } })),
    ...(path ? [{ type: undefined, invert: path.invert, request: { path: pathOf(path) } }] : []),
    ...(sourceCIDR?.invert
      ? [{ type: undefined, invert: true, request: { clientCIDRs: [sourceCIDR.value] } }]
      : []),
  ].filter(({ type }) => type !== "Distinct");
  const and: Request[] = conditions.filter(({ invert }) => !invert).map(({ request }) => request);
  const not: Request[] = conditions.filter(({ invert }) => invert).map(({ request }) => request);
  return {
    ...(distinct.length > 0 && { headers: distinct.map(({ name }) => ({ type: "Distinct", name })) }),
    ...(and.length > 0 && { and }),
    ...(not.length > 0 && { not }),
    ...sourceOf(sourceCIDR),
  };
}

function matchOf(
  type: "Exact" | "RegularExpression" | "Distinct" | undefined,
  { name, value = "" }: { readonly name: string; readonly value?: string | undefined },
): { type: "Exact" | "RegularExpression"; name: string; value: string } {
  return { type: type === "RegularExpression" ? type : "Exact", name, value };
}

function pathOf({
  type = "PathPrefix",
  value = "/",
}: NonNullable<Selector["path"]>): NonNullable<Request["path"]> {
  return { type, value };
}

/** An inverted network is a condition alone, or tells the addresses outside of it apart. Envoy counts each address. */
function sourceOf(source: Selector["sourceCIDR"]): Pick<SelectorInput, "sourceCIDR"> {
  if (!source) return {};
  const { type = "Exact", value, invert } = source;
  if (type === "Distinct") return { sourceCIDR: { type, ipv6PrefixLength: 128, ...(!invert && { value }) } };
  return invert ? {} : { sourceCIDR: { type, value } };
}
