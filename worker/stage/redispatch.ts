// Backend stage: an endpoint that cannot be reached costs the client nothing while another one can (HAProxy's
// `option redispatch`). One more attempt, on another endpoint; `retry` takes its place where the rule has a policy.
import { counterName } from "#contract/counter-name.ts";
import { connectFailures, type ErrorCode, GatewayError } from "#contract/error.ts";
import { isIdempotent } from "#traffic/retry/retry-policy.ts";
import type { Exchange } from "../exchange.ts";
import { contentLengthOf } from "../forward/copy-body.ts";
import type { BackendScope, Stage } from "./stage.ts";

const unreached: ReadonlySet<ErrorCode> = new Set<ErrorCode>([...connectFailures, "endpoint_reset"]);

export const redispatch: Stage<BackendScope> = ({ backend }, next) => {
  if (backend.endpoints.length < 2) return next;
  const retried = counterName("retries_total", { backend: backend.backend.name });
  return async (exchange) => {
    try {
      return await next(exchange);
    } catch (error) {
      if (!mayTryAgain(exchange, error)) throw error;
      exchange.tried = [exchange.endpointIndex];
      if (exchange.body instanceof ReadableStream) exchange.replacedBody = new Uint8Array();
      exchange.plan.counters.countEvent(retried);
      try {
        return await next(exchange);
      } catch (second) {
        // There was no other endpoint: the first failure is the one that tells what happened.
        throw second instanceof GatewayError && second.code === "no_healthy_endpoint" ? error : second;
      }
    }
  };
};

/**
 * A body may be gone, so only requests without one. `fetch` reports a refused connection and one that died under the
 * request as the same error, so it is not known whether the endpoint saw the request: either the error says it cannot
 * have, or the method makes it harmless (RFC 9110 §9.2.2 allows a proxy that much, and keep-alive needs it: an endpoint
 * may close an idle connection just as a request takes it).
 */
function mayTryAgain(exchange: Exchange, error: unknown): boolean {
  if (!(error instanceof GatewayError) || exchange.endpointIndex < 0) return false;
  if (exchange.body instanceof ReadableStream && contentLengthOf(exchange.request) !== 0) return false;
  return unreached.has(error.code) && (error.retrySafe || isIdempotent(exchange.method));
}
