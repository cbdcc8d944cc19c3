// Rule stage: CORS. Preflights are answered here, before anything could ask them for credentials that they never carry;
// every other response, also one to an error, gets the headers without which a script may not read it.
import { applyCors, isPreflight, preflightHeaders } from "#traffic/filter/cors.ts";
import type { CorsPlan } from "#traffic/filter/cors.ts";
import type { Exchange } from "../exchange.ts";
import { answerError } from "./answer-error.ts";
import type { BackendScope, RuleScope, Stage } from "./stage.ts";

export const cors: Stage<RuleScope> = ({ filters, branchFilters }, next) => {
  if (![filters, ...branchFilters].some((plan) => plan.cors)) return next;
  return async (exchange) => {
    if (isPreflight(exchange)) return filters.cors ? answerPreflight(filters.cors, exchange) : next(exchange);
    const response = await answerError(next, exchange);
    const plan = (branchFilters[exchange.refIndex] ?? filters).cors;
    if (!plan) return response;
    const readable = new Response(response.body, response);
    applyCors(plan, exchange, readable.headers);
    return readable;
  };
};

/** Backend stage: preflights of a backendRef with a CORS filter of its own, where the rule has none. */
export const corsPreflight: Stage<BackendScope> = ({ filters }, next) => {
  const plan = filters.cors;
  if (!plan) return next;
  return (exchange) => (isPreflight(exchange) ? answerPreflight(plan, exchange) : next(exchange));
};

function answerPreflight(plan: CorsPlan, exchange: Exchange): Response {
  return new Response(null, { status: 204, headers: preflightHeaders(plan, exchange) });
}
