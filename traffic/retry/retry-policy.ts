// Whether a failed attempt is tried again, and when. Conditions are Envoy's (`x-envoy-retry-on`); what is safe is decided
// here and no configuration can change it: a request that may have reached an endpoint is repeated only when its method is
// idempotent (RFC 9110 §9.2.2), and only while its whole body can be sent again. Every call of gRPC is a POST, whatever it
// does, so there the method says nothing: a call that was answered with nothing but a status is repeated where the policy
// names that status, as in gRPC's own retry design (gRFC A6).
import type { RetryPolicy, RetryTrigger } from "#contract/backend-policy.ts";

export interface RetryRequest {
  readonly method: string;
  readonly isGrpc?: boolean;
  /** There is no body, nothing of it was read yet, or all that was read is still in the replay buffer. */
  readonly bodyReplayable: boolean;
  /** Time at which the client gets its 504; Infinity: none. */
  readonly deadlineMs: number;
}

/** How an attempt ended. `reset` is no complete answer head; `timeout` the per-try timeout. */
export type AttemptResult =
  | { readonly kind: "response"; readonly status: number; readonly grpcStatus?: number | undefined }
  | {
      readonly kind: "failure";
      readonly failure: "connect" | "refused" | "reset" | "timeout";
      /** Nothing of the request can have reached the endpoint (`GatewayError.retrySafe`). */
      readonly nothingSent: boolean;
    };

export type RetryDecision =
  | { readonly retry: true; readonly afterMs: number; readonly condition: RetryTrigger }
  | { readonly retry: false; readonly reason: RetryRefusal };

/** Why an attempt was the last; the access log and metrics carry it. */
export type RetryRefusal =
  | "no-condition"
  | "attempts-exhausted"
  | "method-not-idempotent"
  | "body-not-replayable"
  | "deadline"
  | "budget";

const idempotentMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

/** RFC 9110 §9.2.2. */
export function isIdempotent(method: string): boolean {
  return idempotentMethods.has(method);
}

/**
 * Decides after an attempt that did not satisfy. `retries` counts those already made; `unit` in [0, 1) is the jitter;
 * `takeBudget` is asked last, and only when all else allows the retry.
 */
export function decideRetry(
  policy: RetryPolicy,
  request: RetryRequest,
  result: AttemptResult,
  retries: number,
  nowMs: number,
  unit: number,
  takeBudget: () => boolean,
): RetryDecision {
  const condition = policy.retryOn.triggers.find((trigger) => holds(trigger, policy, result));
  if (condition === undefined) return { retry: false, reason: "no-condition" };
  if (retries >= policy.numRetries) return { retry: false, reason: "attempts-exhausted" };
  const mayHaveArrived = result.kind === "response" || !result.nothingSent;
  const isNamed = request.isGrpc === true && result.kind === "response" && condition in grpcStatusOf;
  if (mayHaveArrived && !isNamed && !isIdempotent(request.method)) {
    return { retry: false, reason: "method-not-idempotent" };
  }
  if (!request.bodyReplayable) return { retry: false, reason: "body-not-replayable" };
  const afterMs = backoffMs(policy, retries, unit);
  if (nowMs + afterMs >= request.deadlineMs) return { retry: false, reason: "deadline" };
  if (!takeBudget()) return { retry: false, reason: "budget" };
  return { retry: true, afterMs, condition };
}

/** Fully jittered exponential backoff, as in Envoy: anywhere between 0 and base × (2^(retries+1) − 1), at most `maxInterval`. */
export function backoffMs(policy: RetryPolicy, retries: number, unit: number): number {
  const { baseIntervalMs, maxIntervalMs = 10 * baseIntervalMs } = policy.perRetry.backOff;
  return Math.floor(unit * Math.min(baseIntervalMs * (2 ** (retries + 1) - 1), maxIntervalMs));
}

/** Time an attempt that starts now may take: the per-try timeout, but never beyond the request's deadline. */
export function perTryTimeoutMs(policy: RetryPolicy, deadlineMs: number, nowMs: number): number {
  return Math.max(0, Math.min(policy.perRetry.timeoutMs ?? Infinity, deadlineMs - nowMs));
}

/** Numbers of https://grpc.io/docs/guides/status-codes/ by the trigger that names them. */
const grpcStatusOf: Partial<Record<RetryTrigger, number>> = {
  cancelled: 1,
  "deadline-exceeded": 4,
  "resource-exhausted": 8,
  internal: 13,
  unavailable: 14,
};

function holds(trigger: RetryTrigger, policy: RetryPolicy, result: AttemptResult): boolean {
  if (result.kind === "failure") {
    switch (trigger) {
      // An endpoint that does not answer at all counts as 5xx and as a gateway error, as in Envoy.
      case "5xx":
      case "gateway-error":
        return true;
      case "reset":
        return result.failure === "reset" || result.failure === "timeout";
      case "connect-failure":
        return result.failure === "connect";
      case "refused-stream":
        return result.failure === "refused";
      default:
        return false;
    }
  }
  const { status, grpcStatus } = result;
  switch (trigger) {
    case "5xx":
      return status >= 500;
    case "gateway-error":
      return status >= 502 && status <= 504;
    case "retriable-4xx":
      return status === 409;
    case "retriable-status-codes":
      return policy.retryOn.httpStatusCodes.includes(status);
    default:
      return grpcStatus !== undefined && grpcStatusOf[trigger] === grpcStatus;
  }
}
