// Backend stage: `timeouts.backendHead` of the rule. An endpoint that does not begin to answer is given up on. Requests
// with a body are left alone: the endpoint may well wait for its end, however long the client takes.
import { Deadline } from "./deadline.ts";
import type { BackendScope, Stage } from "./stage.ts";

export const awaitHead: Stage<BackendScope> = ({ rule }, next) => {
  const headMs = rule.timeouts.backendHeadMs;
  if (headMs === undefined) return next;
  return async (exchange) => {
    if (exchange.body !== null) return next(exchange);
    const deadline = new Deadline(headMs, "backend_request_timeout");
    const { signal } = exchange;
    // Only another attempt has to be rid of this one; otherwise it ends with the request.
    if (signal) exchange.signal = AbortSignal.any([signal, deadline.signal]);
    else if (rule.retry) exchange.signal = deadline.signal;
    try {
      return await deadline.limit(next(exchange));
    } catch (error) {
      throw deadline.error ?? error;
    } finally {
      // The next attempt has its own time.
      exchange.signal = signal;
      deadline.clear();
    }
  };
};
