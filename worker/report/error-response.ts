// The one place that turns an error into a response: status, RFC 9209 `proxy-status`, RFC 9457 body, and the code in
// `isthmus-error`. What went wrong in detail is for the log, never for the client.
import { errorCodeHeader, errorTable, GatewayError, problem } from "#contract/error.ts";
import { applyHeaderOperations } from "#traffic/filter/header-operations.ts";
import { grpcErrorHeaders } from "#traffic/grpc/status.ts";
import type { Exchange } from "../exchange.ts";
import { localResponse } from "../stage/local-response.ts";
import { findListener } from "../stage/read-target.ts";

/** Anything that is not a `GatewayError` is a fault of the gateway itself. */
export function asGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  return new GatewayError("internal", error instanceof Error ? error.message : String(error), {
    cause: error,
  });
}

/** The answer to an exchange that failed, with the page that its rule or listener has for the error. */
export function answerFor(error: GatewayError, exchange: Exchange): Response {
  const { plan, matched, request, method } = exchange;
  const response = errorResponse(error, request);
  const pages = plan.errorPages.size === 0 ? undefined : (matched?.rule.errorPages ?? pagesOf(exchange));
  const page = pages === undefined ? undefined : plan.errorPages.get(pages)?.(error);
  if (!page || response.headers.has("grpc-status")) return response;
  const { headers } = response;
  const status = page.status ?? response.status;
  if (!page.keepsBody) {
    headers.delete("content-type");
    return localResponse({ ...page, status }, method, { headers, request: exchange });
  }
  applyHeaderOperations(page.headers, headers, exchange);
  return new Response(method === "HEAD" ? null : problemText(error, status), { status, headers });
}

/** Of the listener, which a malformed request may not have got as far as. */
function pagesOf(exchange: Exchange): string | undefined {
  const scheme = exchange.request.url.startsWith("https:") ? "https" : "http";
  return (exchange.listener ?? findListener(exchange, scheme))?.errorPages;
}

/** For a call of gRPC, an answer that is nothing but its status. */
export function errorResponse(error: GatewayError, { method, headers }: Request): Response {
  const { code, status, answer } = error;
  const grpc = grpcErrorHeaders(code, headers.get("content-type"));
  return new Response(grpc || method === "HEAD" ? null : problemText(error, status), {
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

function problemText({ code, answer }: GatewayError, status: number): string {
  return JSON.stringify({ ...problem(code), ...answer?.problem, status });
}
