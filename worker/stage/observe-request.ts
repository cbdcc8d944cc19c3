// Entry: under which id and trace the request is logged and told to the endpoint. Nothing where neither is asked for.
import { debugHeader } from "#contract/debug-token.ts";
import type { Exchange } from "../exchange.ts";

export const requestIdHeader = "x-request-id";

/** Ids from clients are cut to this length. */
export const requestIdChars = 128;

export function observeRequest(exchange: Exchange): void {
  const { tracer, settings } = exchange.plan;
  exchange.debugToken = exchange.header(debugHeader);
  if (tracer) exchange.trace = tracer.begin(exchange.header("traceparent"));
  if (!tracer && settings.accessLog.mode !== "all") return;
  exchange.requestId = requestIdOf(exchange);
}

/** Where the listener wants one for every request; known only when the listener is. */
export function ownRequestId(exchange: Exchange): string | undefined {
  return exchange.listener?.requestID ? requestIdOf(exchange) : undefined;
}

function requestIdOf(exchange: Exchange): string {
  const given = exchange.header(requestIdHeader);
  return given ? given.slice(0, requestIdChars) : crypto.randomUUID();
}
