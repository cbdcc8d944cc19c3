// What the listener changes in every response, whoever has made it.
import { applyHeaderOperations } from "#traffic/filter/header-operations.ts";
import type { Exchange } from "../exchange.ts";

export function withLateHeaders(exchange: Exchange, response: Response): Response {
  const { listener, plan } = exchange;
  const operations = listener && plan.listenerHeaders.get(listener.name)?.response;
  if (!operations || operations.length === 0) return response;
  // The headers of a fetched response are immutable.
  const late = new Response(response.body, response);
  applyHeaderOperations(operations, late.headers, exchange, response.status);
  return late;
}
