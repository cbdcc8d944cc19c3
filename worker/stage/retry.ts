// Backend stage: the rule's retry policy, each attempt on another endpoint as long as there is one. Without a policy there
// is `redispatch`. What is safe to repeat no configuration changes: see traffic/retry/retry-policy.ts.
import { counterName } from "#contract/counter-name.ts";
import { connectFailures, GatewayError } from "#contract/error.ts";
import { type AttemptResult, decideRetry, isIdempotent } from "#traffic/retry/retry-policy.ts";
import type { Exchange } from "../exchange.ts";
import type { ReplayBody } from "../forward/replay-body.ts";
import type { BackendLoad } from "../plan/backend-load.ts";
import { redispatch } from "./redispatch.ts";
import { keepBody, streamedBody } from "./replay-body.ts";
import type { BackendScope, Handler, Stage } from "./stage.ts";

/** What an attempt came to: one of the two. */
interface Attempt {
  readonly response?: Response;
  readonly error?: unknown;
}

export const retry: Stage<BackendScope> = (scope, next) => {
  const { rule, backend, random } = scope;
  const policy = rule.retry;
  if (!policy) return redispatch(scope, next);
  const { load } = backend;
  const { requestMs = Infinity } = rule.timeouts;
  const retried = counterName("retries_total", { backend: backend.backend.name });
  return async (exchange) => {
    load.retryBudget.request(Date.now());
    const { method } = exchange;
    // Only a tunnel can tell that nothing has reached the endpoint, so that any method may be repeated.
    const repeatable = isIdempotent(method) || backend.tunnel !== undefined;
    const replay = streamedBody(exchange);
    const kept = repeatable && (replay !== undefined || (await keepBody(exchange)));
    const deadlineMs = exchange.startedMs + requestMs;
    let attempt = await attemptOnce(next, exchange, replay);
    for (let retries = 0; ; retries += 1) {
      const result = resultOf(attempt);
      if (!result) return settle(attempt, replay);
      const isGrpc = replay !== undefined;
      const request = { method, isGrpc, bodyReplayable: kept && (replay?.replayable ?? true), deadlineMs };
      // As with `redispatch`: where a connection failed, the first attempt elsewhere is free, so that an endpoint's
      // death costs no request. A budget that is configured counts every retry.
      const isFree = isUnreached(result) && retries === 0 && !backend.backend.retryConstraint;
      const takeBudget = (): boolean => isFree || load.retryBudget.take(Date.now());
      const decision = decideRetry(policy, request, result, retries, Date.now(), random(), takeBudget);
      if (!decision.retry) return settle(attempt, replay);
      await pause(decision.afterMs);
      exchange.plan.counters.countEvent(retried);
      const again = await attemptAgain(next, exchange, load, attempt, replay);
      if (!again) return settle(attempt, replay);
      attempt = again;
    }
  };
};

async function attemptOnce(
  next: Handler,
  exchange: Exchange,
  replay: ReplayBody | undefined,
): Promise<Attempt> {
  if (replay) exchange.replacedBody = replay.open();
  try {
    return { response: await next(exchange) };
  } catch (error) {
    return { error };
  }
}

/** Undefined when the breaker has no room for another retry: the attempt before is what the client gets. */
async function attemptAgain(
  next: Handler,
  exchange: Exchange,
  { breaker }: BackendLoad,
  before: Attempt,
  replay: ReplayBody | undefined,
): Promise<Attempt | undefined> {
  if (breaker && !breaker.acquire("parallelRetries")) return undefined;
  try {
    void before.response?.body?.cancel().catch(() => undefined);
    if (exchange.endpointIndex >= 0) (exchange.tried ??= []).push(exchange.endpointIndex);
    exchange.endpointIndex = -1;
    const attempt = await attemptOnce(next, exchange, replay);
    // Where no endpoint is left, the failure before tells more.
    const isLast = attempt.error instanceof GatewayError && attempt.error.code === "no_healthy_endpoint";
    return isLast && before.error !== undefined ? { error: before.error } : attempt;
  } finally {
    breaker?.release("parallelRetries");
  }
}

function settle({ response, error }: Attempt, replay: ReplayBody | undefined): Response {
  replay?.settle();
  if (response) return response;
  throw error;
}

/** Undefined for a good answer, and for what no endpoint can help: the gateway's own faults, a request whose time is up. */
function resultOf({ response, error }: Attempt): AttemptResult | undefined {
  if (response) {
    const { status, headers } = response;
    // Where a gRPC call fails at once, its status is in the head.
    const grpc = headers.get("grpc-status");
    if (status < 400 && grpc === null) return undefined;
    return { kind: "response", status, grpcStatus: grpc === null ? undefined : Number(grpc) };
  }
  if (!(error instanceof GatewayError)) return undefined;
  const failure = failureOf(error);
  return failure && { kind: "failure", failure, nothingSent: error.retrySafe };
}

function isUnreached(result: AttemptResult): boolean {
  return result.kind === "failure" && result.failure !== "timeout";
}

function failureOf({
  code,
  retrySafe,
}: GatewayError): "connect" | "refused" | "reset" | "timeout" | undefined {
  if (connectFailures.has(code)) return "connect";
  switch (code) {
    case "endpoint_reset":
    case "endpoint_protocol_error":
      return "reset";
    case "tunnel_reset":
    case "tunnel_unavailable":
      return retrySafe ? "refused" : "reset";
    case "backend_request_timeout":
      return "timeout";
    default:
      return undefined;
  }
}

function pause(ms: number): Promise<void> | undefined {
  return ms > 0 ? new Promise((done) => setTimeout(done, ms)) : undefined;
}
