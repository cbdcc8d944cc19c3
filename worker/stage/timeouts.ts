// Backend stage: `timeouts.request` and `timeouts.backendRequest` of the rule. One timer per attempt, for whichever of
// the two ends first; none where none is configured.
//
// Both cover the whole answer, not only its head: "as close to the whole request-response transaction as possible" and
// until "the full response has been received" (Gateway API, HTTPRouteTimeouts). Before the head the client gets 504;
// after it the body breaks off, as with Envoy. An upgraded connection is no longer a request and has no deadline.
import { watchBody } from "../forward/watch-body.ts";
import { Deadline } from "./deadline.ts";
import type { BackendScope, Stage } from "./stage.ts";

export const timeouts: Stage<BackendScope> = ({ rule }, next) => {
  const { requestMs = Infinity } = rule.timeouts;
  const backendRequestMs = Math.min(
    rule.timeouts.backendRequestMs ?? Infinity,
    rule.retry?.perRetry.timeoutMs ?? Infinity,
  );
  if (requestMs === Infinity && backendRequestMs === Infinity) return next;
  return async (exchange) => {
    const leftMs = exchange.startedMs + requestMs - Date.now();
    // Envoy's name: how long anybody waits for the answer, so that the endpoint need not work for nobody.
    const waitMs = Math.max(0, Math.ceil(Math.min(leftMs, backendRequestMs)));
    exchange.headers?.set("x-envoy-expected-rq-timeout-ms", String(waitMs));
    const deadline =
      leftMs <= backendRequestMs
        ? new Deadline(leftMs, "request_timeout")
        : new Deadline(backendRequestMs, "backend_request_timeout");
    const { cancelled } = exchange;
    exchange.signal = cancelled ? AbortSignal.any([cancelled, deadline.signal]) : deadline.signal;
    try {
      const response = await next(exchange);
      if (response.webSocket) deadline.clear();
      else return watchBody(response, exchange.lifetime, () => deadline.clear(), deadline.signal);
      return response;
    } catch (error) {
      deadline.clear();
      throw deadline.error ?? error;
    }
  };
};
