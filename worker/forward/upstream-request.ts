// The request that leaves the gateway, for both ways to an endpoint.
import type { Exchange } from "../exchange.ts";

/** Arguments for a `fetch`: streams the body, follows no redirect, leaves compressed bodies alone. */
export function upstreamRequest(
  exchange: Exchange,
  url: string,
  body = exchange.body,
): [Request | string, RequestInit?] {
  const { request, method } = exchange;
  const signal = attemptSignal(exchange);
  const headers = exchange.headers ?? request.headers;
  // `fetch` refuses to make a GET or HEAD with a body, but passes on one that it was given.
  if (body !== null && (method === "GET" || method === "HEAD")) {
    const original = new Request(url, request);
    return [new Request(original, { headers, redirect: "manual", ...(signal && { signal }) })];
  }
  const init: RequestInit = { method, headers, body, redirect: "manual", encodeResponseBody: "manual" };
  if (signal) init.signal = signal;
  return [url, init];
}

function attemptSignal({ signal, bodySignal }: Exchange): AbortSignal | undefined {
  return signal && bodySignal ? AbortSignal.any([signal, bodySignal]) : (signal ?? bodySignal);
}
