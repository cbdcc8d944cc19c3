// Entry: the rule that the request falls to.
import { GatewayError } from "#contract/error.ts";
import type { Exchange } from "../exchange.ts";

/** After `readTarget`. */
export function matchRule(exchange: Exchange): void {
  exchange.matched = exchange.plan.matcher.match(exchange.listener?.name ?? "", exchange);
  if (!exchange.matched) throw new GatewayError("route_not_found");
}
