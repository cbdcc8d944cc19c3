// Rule stage: whether those who ask may. The policy's own rules first, since they cost no call; then another server.
import { GatewayError } from "#contract/error.ts";
import type { RuleScope, Stage } from "./stage.ts";

/** After `authenticate`. */
export const authorize: Stage<RuleScope> = ({ access }, next) => {
  const { authorize: decide, askExternally } = access ?? {};
  if (!decide && !askExternally) return next;
  return async (exchange) => {
    if (decide) {
      const { identity, chain } = exchange;
      const verdict = decide({ head: exchange, clientAddress: chain.clientAddress, identity });
      if (!verdict.allowed) {
        throw new GatewayError("forbidden", `authorization: ${verdict.rule ?? "default action"}`);
      }
    }
    return askExternally ? askExternally(exchange, next) : next(exchange);
  };
};
