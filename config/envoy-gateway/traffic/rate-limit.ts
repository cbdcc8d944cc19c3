// `rateLimit` → rate limit policies of the model, to which every rule that is held to them refers.
import type { RateLimitPolicyInput } from "../../kubernetes/model-parts.ts";
import { withFields } from "../../with-fields.ts";
import { approximated, at, unsupported, type Place } from "../notes.ts";
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

function selectorOf({ headers = [], sourceCIDR }: Selector, place: Place): SelectorInput {
  const refuseInvert = (invert: boolean | undefined, field: Place): void => {
    if (!invert) return;
    unsupported(at(field, "invert"), "a limit names the clients it is for, not those it is not for");
  };
  headers.forEach(({ invert }, index) => refuseInvert(invert, at(place, "headers", index)));
  refuseInvert(sourceCIDR?.invert, at(place, "sourceCIDR"));
  return {
    ...(headers.length > 0 && {
      headers: headers.map(({ type = "Exact", name, value }) => ({ type, name, ...withFields({ value }) })),
    }),
    ...(sourceCIDR && {
      sourceCIDR: {
        type: sourceCIDR.type ?? "Exact",
        value: sourceCIDR.value,
        // Envoy counts each address.
        ...(sourceCIDR.type === "Distinct" && { ipv6PrefixLength: 128 }),
      },
    }),
  };
}
