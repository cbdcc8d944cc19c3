// Rule stage, the first one: whether the rule is the request's at all, where that depends on what its token says.
import { GatewayError } from "#contract/error.ts";
import { UpstreamIdentity } from "#traffic/access/upstream-identity.ts";
import { asksForClaims } from "#contract/http-route.ts";
import type { RuleScope, Stage } from "./stage.ts";

/**
 * The matcher takes conditions on claims for met until a token has been looked at, so no rule that comes before this one
 * can be the request's. With the claims it is matched anew, as Envoy does when a filter clears the route
 * (`clear_route_cache`); whichever rule it is then verifies the token for itself.
 */
export const matchClaims: Stage<RuleScope> = ({ rule, access }, next) => {
  if (!rule.matches.some(asksForClaims)) return next;
  return async (exchange) => {
    if (exchange.claims) return next(exchange);
    // What it would tell the endpoint is collected once more by `authenticate`.
    const identity = await access?.readToken?.(exchange, new UpstreamIdentity(new Set()));
    exchange.claims = identity?.token?.claims ?? {};
    exchange.matched = exchange.plan.matcher.match(exchange.listener?.name ?? "", exchange);
    if (!exchange.matched) throw new GatewayError("route_not_found");
    const { rule: found } = exchange.matched;
    return found === rule ? next(exchange) : exchange.plan.rules.get(found)!.handler(exchange);
  };
};
