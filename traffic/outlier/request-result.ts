// How a request on an endpoint ended, in the words of outlier detection.
import { connectFailures, type ErrorCode } from "#contract/error.ts";
import type { RequestResult } from "./outlier-detector.ts";

export function resultOfStatus(status: number): RequestResult {
  if (status < 500) return "success";
  return status >= 502 && status <= 504 ? "gateway-error" : "error-5xx";
}

/** Errors that the endpoint is the cause of; what went wrong before it says nothing about it. */
const endpointFailures: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...connectFailures,
  "endpoint_reset",
  "endpoint_protocol_error",
  "backend_request_timeout",
  "request_timeout",
]);

export function resultOfError(code: ErrorCode): RequestResult | undefined {
  return endpointFailures.has(code) ? "local-origin-failure" : undefined;
}
