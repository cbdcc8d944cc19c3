// Backend stage: `timeouts.request` and `timeouts.backendRequest` of the rule. One timer per attempt, for whichever of
// the two ends first; none where none is configured.
//
// Both cover the whole answer, not only its head: "as close to the whole request-response transaction as possible" and
// until "the full response has been received" (Gateway API, HTTPRouteTimeouts). A short body is waited for, so that the
// client gets 504; a longer one breaks off, as with Envoy. An upgraded connection is no longer a request and has no
// deadline.
//
// A call of gRPC brings a time limit of its own, and the shorter one counts. It goes on to the agent, which ends the call
// with a status on time, also in the middle of its answer; the timer here only stands in for an agent that does not.
import { speaksHttp2 } from "#contract/snapshot.ts";
import { grpcProtocolOf } from "#traffic/grpc/content-type.ts";
import { formatGrpcTimeout, parseGrpcTimeout } from "#traffic/grpc/timeout.ts";
import type { Exchange } from "../exchange.ts";
import { isLong, watchBody } from "../forward/watch-body.ts";
import { withWholeBody } from "../forward/whole-body.ts";
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
  // Only another attempt has to be rid of this one; otherwise it ends with the request.
  const mayRepeat = rule.retry !== undefined;
  const limited = (exchange: Exchange): Promise<Response> => {
    const leftMs = exchange.startedMs + requestMs - Date.now();
    return limit(next, exchange, { leftMs, backendRequestMs, mayRepeat });
  };
  const unlimited = requestMs === Infinity && backendRequestMs === Infinity;
  if (!speaksHttp2(backend.backend.protocol)) return unlimited ? next : limited;
  return (exchange) => {
    const callMs = grpcTimeoutMs(exchange);
    if (callMs === undefined) return unlimited ? next(exchange) : limited(exchange);
    const leftMs = exchange.startedMs + Math.min(requestMs, callMs) - Date.now();
    if (leftMs > maxTimerMs && backendRequestMs === Infinity) return next(exchange);
    if (leftMs < Infinity) exchange.headers?.set("grpc-timeout", formatGrpcTimeout(leftMs));
    const limits = { leftMs: Math.min(leftMs, maxTimerMs), backendRequestMs, graceMs, mayRepeat };
    return limit(next, exchange, limits);
  };
};

interface Limits {
  readonly leftMs: number;
  readonly backendRequestMs: number;
  readonly graceMs?: number;
  /** Another attempt may follow this one. */
  readonly mayRepeat: boolean;
}

/** What the client says; Infinity where it says nothing. Undefined for what is no call of gRPC. */
function grpcTimeoutMs({ request }: Exchange): number | undefined {
  if (grpcProtocolOf(request.headers.get("content-type")) === undefined) return undefined;
  return parseGrpcTimeout(request.headers.get("grpc-timeout")) ?? Infinity;
}

async function limit(
  next: Handler,
  exchange: Exchange,
  { leftMs, backendRequestMs, graceMs = 0, mayRepeat }: Limits,
): Promise<Response> {
  // Envoy's name: how long anybody waits for the answer, so that the endpoint need not work for nobody.
  const waitMs = Math.max(0, Math.ceil(Math.min(leftMs, backendRequestMs)));
  exchange.headers?.set("x-envoy-expected-rq-timeout-ms", String(waitMs));
  const deadline =
    leftMs <= backendRequestMs
      ? Deadline.after(leftMs + graceMs, "request_timeout")
      : Deadline.after(backendRequestMs, "backend_request_timeout");
  const { cancelled } = exchange;
  if (cancelled) exchange.signal = AbortSignal.any([cancelled, deadline.signal]);
  else if (mayRepeat) exchange.signal = deadline.signal;
  try {
    const response = await deadline.limit(next(exchange));
    if (response.webSocket) {
      deadline.clear();
      return response;
    }
    if (isLong(response)) {
      const { signal } = deadline;
      return watchBody(response, exchange.lifetime, { onEnd: () => deadline.clear(), signal });
    }
    const whole = await deadline.limit(withWholeBody(response, exchange.method));
    deadline.clear();
    return whole;
  } catch (error) {
    deadline.clear();
    throw deadline.error ?? error;
  }
}
