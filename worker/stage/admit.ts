// Rule stage, the first one: what may come in at all, before anyone asks whose it is.
import { GatewayError } from "#contract/error.ts";
import { withBodyLimit } from "../access/limit-body.ts";
import type { RuleScope, Stage } from "./stage.ts";

export const admit: Stage<RuleScope> = ({ access }, next) => {
  const { admitsClient, bodyBytes } = access ?? {};
  if (!admitsClient && bodyBytes === undefined) return next;
  return (exchange) => {
    if (admitsClient && !admitsClient(exchange.chain.clientAddress)) {
      throw new GatewayError("forbidden", "the client's network is not allowed");
    }
    if (bodyBytes === undefined || exchange.request.body === null) return next(exchange);
    return withBodyLimit(exchange, bodyBytes, next);
  };
};
