// Makes the responses that the configuration words: direct responses, custom error pages, injected errors.
import { applyHeaderOperations } from "#traffic/filter/header-operations.ts";
import type { LocalResponse } from "#traffic/filter/local-response.ts";

/** `headers`: what the response starts out with. */
export function localResponse(
  { status, body, headers: operations }: LocalResponse,
  method: string,
  headers: Headers = new Headers(),
): Response {
  applyHeaderOperations(operations, headers);
  return new Response(method === "HEAD" ? null : body, { status, headers });
}
