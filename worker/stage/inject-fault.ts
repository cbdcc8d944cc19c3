// Backend stage: FaultInjection, a delay and an error on purpose, before anything is done for the request.
import { GatewayError } from "#contract/error.ts";
import { decideFault } from "#traffic/filter/fault.ts";
import { localResponse } from "./local-response.ts";
import type { BackendScope, Stage } from "./stage.ts";

export const injectFault: Stage<BackendScope> = ({ filters, rule, random }, next) => {
  const plan = filters.fault;
  if (!plan) return next;
  const { requestMs = Infinity } = rule.timeouts;
  return (exchange) => {
    const { delayMs, answer } = decideFault(plan, exchange, random);
    const proceed = (): Response | Promise<Response> => {
      if (!answer) return next(exchange);
      const headers = new Headers(answer.headers.map(([name, value]): [string, string] => [name, value]));
      return localResponse({ status: answer.status, headers: [], body: null }, exchange.method, { headers });
    };
    if (delayMs === 0) return proceed();
    const leftMs = exchange.startedMs + requestMs - Date.now();
    return delayed(Math.min(delayMs, leftMs)).then(() => {
      if (leftMs <= delayMs) throw new GatewayError("request_timeout");
      return proceed();
    });
  };
};

function delayed(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, Math.max(ms, 0)));
}
