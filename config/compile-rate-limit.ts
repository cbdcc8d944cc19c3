// Rate limits → snapshot: each rule gets the limits of the policies it refers to, of its route and of its own, with the id
// that they are counted under.
import { durationMs } from "#contract/duration.ts";
import type {
  Limit,
  LimitConditions,
  LimitKeyPart,
  RuleConcurrencyLimit,
  RuleRateLimit,
} from "#contract/rate-limit.ts";
import {
  type NativeClientSelector,
  type NativeConcurrencyLimit,
  type NativeGlobalLimit,
  type NativeLimit,
  type NativeLocalLimit,
  type NativeRateLimit,
  type NativeRateLimitPolicy,
  unitMs,
} from "./native/rate-limit.ts";

/** A limit with where it stands: `rule/<id>`, `route/<name>` or `policy/<name>`. */
export interface PlacedLimits {
  readonly place: string;
  readonly block: Pick<NativeRateLimit, "global" | "local" | "concurrency">;
}

interface LimitedRoute {
  readonly name: string;
  readonly rateLimit?: NativeRateLimit | undefined;
}

/** What holds for a rule: policies in the order of their names' first mention, then the route's block, then the rule's. */
export function limitsOfRule(
  route: LimitedRoute,
  ruleId: string,
  own: NativeRateLimit | undefined,
  policies: ReadonlyMap<string, NativeRateLimitPolicy>,
): PlacedLimits[] {
  const names = new Set([...(route.rateLimit?.policies ?? []), ...(own?.policies ?? [])]);
  return [
    ...[...names].flatMap((name) => {
      const block = policies.get(name);
      return block ? [{ place: `policy/${name}`, block }] : [];
    }),
    ...(route.rateLimit ? [{ place: `route/${route.name}`, block: route.rateLimit }] : []),
    ...(own ? [{ place: `rule/${ruleId}`, block: own }] : []),
  ];
}

export function compileRateLimits(
  placed: readonly PlacedLimits[],
  ruleId: string,
): { rateLimits?: RuleRateLimit[]; concurrencyLimits?: RuleConcurrencyLimit[] } {
  const rateLimits = placed.flatMap(({ place, block }) => [
    ...(block.global?.rules ?? []).map((rule) => compileRate(rule, "global", limitId(place, ruleId, rule))),
    ...(block.local?.rules ?? []).map((rule) => compileLocalRate(rule, limitId(place, ruleId, rule))),
  ]);
  const concurrencyLimits = placed.flatMap(({ place, block }) =>
    (block.concurrency?.rules ?? []).map((rule) => compileConcurrency(rule, limitId(place, ruleId, rule))),
  );
  return {
    ...(rateLimits.length > 0 && { rateLimits }),
    ...(concurrencyLimits.length > 0 && { concurrencyLimits }),
  };
}

/** Unless it is shared, a limit is counted for each rule by itself (Envoy Gateway: for each route). Names have no colon. */
function limitId(place: string, ruleId: string, { name, shared }: { name: string; shared: boolean }): string {
  const own = `rule/${ruleId}`;
  return shared || place === own ? `${place}/${name}` : `${own}:${place}/${name}`;
}

function compileRate(rule: NativeGlobalLimit, scope: RuleRateLimit["scope"], id: string): RuleRateLimit {
  const { name, mode, limit, overrides, cost, shadowMode, onUnavailable, clientSelectors, statusCode } = rule;
  return {
    name,
    id,
    scope,
    mode,
    limit: compileLimit(limit),
    key: limitKey(clientSelectors),
    overrides: overrides.map((override) => ({ key: override.key, limit: compileLimit(override.limit) })),
    cost: cost.request.number,
    shadowMode,
    onUnavailable,
    conditions: limitConditions(clientSelectors),
    ...(statusCode !== undefined && { statusCode }),
  };
}

function compileLocalRate({ countedStatusCodes, ...rule }: NativeLocalLimit, id: string): RuleRateLimit {
  return {
    ...compileRate({ ...rule, mode: "leased", onUnavailable: "local" }, "local", id),
    ...(countedStatusCodes && { countedStatusCodes }),
  };
}

function compileConcurrency(rule: NativeConcurrencyLimit, id: string): RuleConcurrencyLimit {
  const { name, maxParallelRequests, shadowMode, clientSelectors, statusCode } = rule;
  return {
    name,
    id,
    maxParallelRequests,
    key: limitKey(clientSelectors),
    conditions: limitConditions(clientSelectors),
    shadowMode,
    ...(statusCode !== undefined && { statusCode }),
  };
}

export function limitWindowMs({ unit, window }: NativeLimit): number {
  return unit === undefined ? durationMs(window ?? "0s") : unitMs[unit];
}

function compileLimit(limit: NativeLimit): Limit {
  const { algorithm, requests, burst } = limit;
  return {
    algorithm,
    requests,
    windowMs: limitWindowMs(limit),
    ...(burst !== undefined && { burst }),
  };
}

/** The Distinct selectors in their order; within one of the list: address, headers, cookies, claims, route. */
export function limitKey(selectors: readonly NativeClientSelector[]): LimitKeyPart[] {
  return selectors.flatMap(({ sourceCIDR, headers, cookies, claims, route }) => [
    ...(sourceCIDR?.type === "Distinct" ? [clientPart(sourceCIDR.ipv6PrefixLength)] : []),
    ...headers.filter(isDistinct).map(({ name }) => ({ type: "Header" as const, name })),
    ...cookies.filter(isDistinct).map(({ name }) => ({ type: "Cookie" as const, name })),
    ...claims.filter(isDistinct).map(({ name }) => ({ type: "Claim" as const, name })),
    ...(route ? [{ type: "Route" as const }] : []),
  ]);
}

function clientPart(ipv6PrefixLength: number | undefined): LimitKeyPart {
  return { type: "ClientIP", ...(ipv6PrefixLength !== undefined && { ipv6PrefixLength }) };
}

function isDistinct({ type }: { readonly type: string }): boolean {
  return type === "Distinct";
}

function limitConditions(selectors: readonly NativeClientSelector[]): LimitConditions {
  const headers = selectors.flatMap((selector) => valueConditions(selector.headers));
  const cookies = selectors.flatMap((selector) => valueConditions(selector.cookies));
  const claims = selectors.flatMap((selector) =>
    selector.claims.filter(({ type }) => type === "Exact").map(({ name, value }) => ({ name, value })),
  );
  const clientCIDRs = selectors.flatMap(({ sourceCIDR }) => sourceCIDR?.value ?? []);
  const and = selectors.flatMap((selector) => selector.and ?? []);
  const not = selectors.flatMap((selector) => selector.not ?? []);
  return {
    ...(headers.length > 0 && { headers }),
    ...(cookies.length > 0 && { cookies }),
    ...(clientCIDRs.length > 0 && { clientCIDRs }),
    ...(and.length > 0 && { and }),
    ...(not.length > 0 && { not }),
    ...(claims.length > 0 && { claims }),
  };
}

type ValueSelector = NativeClientSelector["headers"][number];

function valueConditions(selectors: readonly ValueSelector[]): NonNullable<LimitConditions["headers"]> {
  return selectors.flatMap(({ type, name, value }) => (type === "Distinct" ? [] : [{ type, name, value }]));
}
