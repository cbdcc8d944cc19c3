// Makes the responses that the configuration words: direct responses, custom error pages, injected errors.
import { applyHeaderOperations } from "#traffic/filter/header-operations.ts";
import type { LocalResponse } from "#traffic/filter/local-response.ts";
import type { ClientRequest } from "#traffic/filter/request-text.ts";

interface Start {
  /** What the response starts out with. Default: nothing. */
  readonly headers?: Headers;
  /** For responses that are put together from the request. */
  readonly request?: ClientRequest;
}

export function localResponse(
  { status, body, headers: operations }: LocalResponse,
  method: string,
  { headers = new Headers(), request }: Start = {},
): Response {
  applyHeaderOperations(operations, headers, request);
  const text = typeof body === "function" ? (request ? body(request) : "") : body;
  return new Response(method === "HEAD" ? null : text, { status, headers });
}
