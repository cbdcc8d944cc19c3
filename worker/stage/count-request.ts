// Rule stage, in front of all that may answer: what the rule counts in the counter tables (decision 0033). It begins in the same
// turn in which the request was matched, so that no other request is matched in between.
import { type CountingPlan, compileCounting, type RequestCount } from "#traffic/counter/request-counters.ts";
import type { CounterTables } from "#traffic/counter/counter-tables.ts";
import type { Exchange } from "../exchange.ts";
import { isLong, watchBody } from "../forward/watch-body.ts";
import { asGatewayError } from "../report/error-response.ts";
import type { Handler, RuleScope, Stage } from "./stage.ts";

export const countRequest: Stage<RuleScope> = ({ rule: { counting } }, next) => {
  if (!counting) return next;
  // A rule may outlive the tables of the configuration that it was compiled for.
  let compiled: { readonly plan: CountingPlan; readonly tables: CounterTables } | undefined;
  return (exchange) => {
    const tables = exchange.plan.counterTables;
    if (compiled?.tables !== tables) compiled = { plan: compileCounting(counting, tables), tables };
    const { plan } = compiled;
    const count = plan.begin(exchange.counters, exchange.startedMs);
    return plan.ofAnswers || plan.ofEnds ? countAnswer(plan, count, next, exchange) : next(exchange);
  };
};

async function countAnswer(
  { ofEnds }: CountingPlan,
  count: RequestCount,
  next: Handler,
  exchange: Exchange,
): Promise<Response> {
  const end = (): void => count.ended(Date.now());
  try {
    const response = await next(exchange);
    const byBackend = exchange.backend !== undefined && exchange.error === undefined;
    count.answered(response.status, response.headers, byBackend, Date.now());
    if (ofEnds && isLong(response)) return watchBody(response, exchange.lifetime, { onEnd: end });
    end();
    return response;
  } catch (error) {
    count.answered(asGatewayError(error).status, new Headers(), false, Date.now());
    end();
    throw error;
  }
}
