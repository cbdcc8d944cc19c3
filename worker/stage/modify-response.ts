// Backend stage: ResponseHeaderModifier.
import { applyHeaderOperations } from "#traffic/filter/header-operations.ts";
import type { BackendScope, Stage } from "./stage.ts";

export const modifyResponse: Stage<BackendScope> = ({ filters }, next) => {
  const operations = filters.responseHeaders;
  if (!operations) return next;
  return async (exchange) => {
    const response = await next(exchange);
    exchange.givenHeaders = response.headers;
    // The headers of a fetched response are immutable. Made from the response itself, the copy keeps status,
    // WebSocket, content length, and a compressed body as it is.
    const modified = new Response(response.body, response);
    applyHeaderOperations(operations, modified.headers, exchange, response.status);
    return modified;
  };
};
