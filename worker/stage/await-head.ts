// Backend stage: `timeouts.backendHead` of the rule and `timeout.tcp.connectTimeout` of the backend. An endpoint that does
// not begin to answer is given up on, and so is one to which there is no connection. Both by the same timer: the first that
// is due arms the next.
import type { Exchange } from "../exchange.ts";
import { isUnreached } from "../forward/look-for-endpoint.ts";
import { Deadline } from "./deadline.ts";
import type { BackendScope, Stage } from "./stage.ts";

export const awaitHead: Stage<BackendScope> = ({ rule, backend }, next) => {
  const { backendHeadMs = Infinity } = rule.timeouts;
  // An agent has a connect timeout of its own.
  const connectMs = backend.tunnel ? Infinity : (backend.backend.connectTimeoutMs ?? Infinity);
  if (backendHeadMs === Infinity && connectMs === Infinity) return next;
  return async (exchange) => {
    // The endpoint may well wait for the end of a body, however long the client takes.
    const headMs = exchange.body === null ? backendHeadMs : Infinity;
    if (headMs === Infinity && connectMs === Infinity) return next(exchange);
    const deadline = new Deadline();
    const { signal } = exchange;
    // Only another attempt has to be rid of this one; otherwise it ends with the request.
    if (signal) exchange.signal = AbortSignal.any([signal, deadline.signal]);
    else if (rule.retry) exchange.signal = deadline.signal;
    void expire(deadline, exchange, { headMs, connectMs });
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

interface HeadLimits {
  readonly headMs: number;
  readonly connectMs: number;
}

async function expire(
  deadline: Deadline,
  { endpoint, lifetime }: Exchange,
  { headMs, connectMs }: HeadLimits,
): Promise<void> {
  const startedMs = Date.now();
  if (endpoint && connectMs < headMs) {
    const isOver = (): boolean => deadline.isCleared;
    const unreached = await isUnreached(endpoint, startedMs, connectMs, lifetime, isOver);
    if (unreached) deadline.expire("endpoint_connect_timeout");
    if (unreached || isOver()) return;
  }
  if (headMs === Infinity) return;
  await scheduler.wait(Math.max(startedMs + headMs - Date.now(), 0));
  deadline.expire("backend_request_timeout");
}
