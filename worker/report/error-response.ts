// The one place that turns an error into a response: status, RFC 9209 `proxy-status`, RFC 9457 body, and the code in
// `isthmus-error`. What went wrong in detail is for the log, never for the client.
import { errorCodeHeader, errorTable, GatewayError, problem } from "#contract/error.ts";
import { grpcErrorHeaders } from "#traffic/grpc/status.ts";

/** Anything that is not a `GatewayError` is a fault of the gateway itself. */
export function asGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  return new GatewayError("internal", error instanceof Error ? error.message : String(error), {
    cause: error,
  });
}

/** For a call of gRPC, an answer that is nothing but its status. */
export function errorResponse(
  { code, status, answer }: GatewayError,
  { method, headers }: Request,
): Response {
  const grpc = grpcErrorHeaders(code, headers.get("content-type"));
  const body = JSON.stringify({ ...problem(code), ...answer?.problem, status });
  return new Response(grpc || method === "HEAD" ? null : body, {
    status: grpc ? 200 : status,
    headers: {
      ...answer?.headers,
      [errorCodeHeader]: code,
      "proxy-status": `isthmus; error=${errorTable[code].proxyStatus}`,
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      ...grpc,
    },
  });
}
