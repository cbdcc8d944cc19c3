// What workerd's fetch failures mean, by experiment (workerd 1.20261102.1; docs/architecture.md, "Platform facts"):
//
//   refused, reset, closed before or within the head, not HTTP   "Network connection lost."
//   name not found, TLS handshake failed, no such Unix socket    "internal error; reference = …"
//
// The first line holds four different things, so one more connection is tried before the client is told which. That
// only words the error: nothing that was sent counts as unsent because the endpoint is gone a moment later.
import { type ErrorCode, GatewayError } from "#contract/error.ts";
import type { EndpointPlan } from "../plan/endpoint-plan.ts";
import { canConnect } from "./dial.ts";

/** How long the second look may take. */
const lookTimeoutMs = 250;

export async function fetchFailure(
  error: unknown,
  { endpoint, origin }: EndpointPlan,
  signal: AbortSignal | undefined,
): Promise<GatewayError> {
  const detail = `${endpoint.id}: ${error instanceof Error ? error.message : String(error)}`;
  // A request that cannot be made says nothing about the endpoint.
  if (error instanceof TypeError) return new GatewayError("internal", detail, { cause: error });
  return new GatewayError(await failureCode(error, endpoint, origin, signal), detail, { cause: error });
}

async function failureCode(
  error: unknown,
  { address, port }: EndpointPlan["endpoint"],
  origin: string,
  signal: AbortSignal | undefined,
): Promise<ErrorCode> {
  if (error instanceof Error && error.message.startsWith("internal error")) return "endpoint_connect_failed";
  // The stage that armed the signal knows better why.
  if (signal?.aborted) return "endpoint_reset";
  const secure = origin.startsWith("https:");
  return (await canConnect({ address, port, secure }, lookTimeoutMs))
    ? "endpoint_reset"
    : "endpoint_connect_failed";
}
