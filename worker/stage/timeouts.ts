// Backend stage: `timeouts.request` and `timeouts.backendRequest` of the rule. One timer per attempt, for whichever of
// the two ends first; none where none is configured.
//
// Both cover the whole answer, not only its head: "as close to the whole request-response transaction as possible" and
// until "the full response has been received" (Gateway API, HTTPRouteTimeouts). Before the head the client gets 504;
// after it the body breaks off, as with Envoy. An upgraded connection is no longer a request and has no deadline.
//
// A call of gRPC brings a time limit of its own, and the shorter one counts. It goes on to the agent, which ends the call
// with a status on time, also in the middle of its answer; the timer here only stands in for an agent that does not.
import { speaksHttp2 } from "#contract/snapshot.ts";
import { grpcProtocolOf } from "#traffic/grpc/content-type.ts";
import { formatGrpcTimeout, parseGrpcTimeout } from "#traffic/grpc/timeout.ts";
import type { Exchange } from "../exchange.ts";
import { watchBody } from "../forward/watch-body.ts";
import { Deadline } from "./deadline.ts";
import type { BackendScope, Handler, Stage } from "./stage.ts";

/** How much longer than the agent the gateway waits for the end of a call. */
const graceMs = 1_000;
/** What a timer holds; a longer time limit is none. */
const maxTimerMs = 2 ** 31 - 1 - graceMs;

export const timeouts: Stage<BackendScope> = ({ rule, backend }, next) => {
  const { requestMs = Infinity } = rule.timeouts;
  const backendRequestMs = Math.min(
    rule.timeouts.backendRequestMs ?? Infinity,
    rule.retry?.perRetry.timeoutMs ?? Infinity,
  );
  const limited = (exchange: Exchange): Promise<Response> => {
    const leftMs = exchange.startedMs + requestMs - Date.now();
    return limit(next, exchange, leftMs, backendRequestMs, 0);
  };
  const unlimited = requestMs === Infinity && backendRequestMs === Infinity;
  if (!speaksHttp2(backend.backend.protocol)) return unlimited ? next : limited;
  return (exchange) => {
    const callMs = grpcTimeoutMs(exchange);
    if (callMs === undefined) return unlimited ? next(exchange) : limited(exchange);
    const leftMs = exchange.startedMs + Math.min(requestMs, callMs) - Date.now();
    if (leftMs > maxTimerMs && backendRequestMs === Infinity) return next(exchange);
    if (leftMs < Infinity) exchange.headers?.set("grpc-timeout", formatGrpcTimeout(leftMs));
    return limit(next, exchange, Math.min(leftMs, maxTimerMs), backendRequestMs, graceMs);
  };
};

/** What the client says; Infinity where it says nothing. Undefined for what is no call of gRPC. */
function grpcTimeoutMs({ request }: Exchange): number | undefined {
  if (grpcProtocolOf(request.headers.get("content-type")) === undefined) return undefined;
  return parseGrpcTimeout(request.headers.get("grpc-timeout")) ?? Infinity;
}

async function limit(
  next: Handler,
  exchange: Exchange,
  leftMs: number,
  backendRequestMs: number,
  graceMs: number,
): Promise<Response> {
  // Envoy's name: how long anybody waits for the answer, so that the endpoint need not work for nobody.
  const waitMs = Math.max(0, Math.ceil(Math.min(leftMs, backendRequestMs)));
  exchange.headers?.set("x-envoy-expected-rq-timeout-ms", String(waitMs));
  const deadline =
    leftMs <= backendRequestMs
      ? new Deadline(leftMs + graceMs, "request_timeout")
      : new Deadline(backendRequestMs, "backend_request_timeout");
  const { cancelled } = exchange;
  exchange.signal = cancelled ? AbortSignal.any([cancelled, deadline.signal]) : deadline.signal;
  try {
    const response = await next(exchange);
    if (!response.webSocket) {
      const { signal } = deadline;
      return watchBody(response, exchange.lifetime, { onEnd: () => deadline.clear(), signal });
    }
    deadline.clear();
    return response;
  } catch (error) {
    deadline.clear();
    throw deadline.error ?? error;
  }
}
