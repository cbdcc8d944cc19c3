// Error pages that a backend has, as ingress-nginx asks the default backend of `custom-http-errors` for them: it is told
// in headers what happened, and its answer, status included, stands for the error.
import { limits } from "#contract/limits.ts";
import type { AskedResponse } from "#traffic/filter/local-response.ts";
import type { Exchange } from "../exchange.ts";
import { forward } from "./forward.ts";
import { pickEndpoint } from "./pick-endpoint.ts";
import { prepareRequest } from "./prepare-request.ts";
import { compose, type RuleScope } from "./stage.ts";

/** `undefined`: the backend has no answer. Never rejects. */
export type AskForPage = (exchange: Exchange, status: number) => Promise<Response | undefined>;

/** Headers that mean nothing without the request's body, method or connection. */
const notForPages = /^(?:content-.*|if-.*|range|upgrade|expect|te|trailer)$/;

export function askForPage(scope: RuleScope, { backend: name, requestHeaders }: AskedResponse): AskForPage {
  const backend = scope.backends.get(name);
  if (!backend) return () => Promise.resolve(undefined);
  const ref = { backend: name, weight: 1, filters: [] };
  const handler = compose([prepareRequest, pickEndpoint, forward], { ...scope, ref, filters: {}, backend });
  return async (exchange, status) => {
    const asked = exchange.fork(pageRequest(exchange, status, requestHeaders));
    const signal = AbortSignal.timeout(limits.errorPageTimeoutMs);
    Object.assign(asked, {
      upstreamAuthority: exchange.authority,
      upstreamPath: "/",
      upstreamQuery: undefined,
      informs: false,
      replacedBody: undefined,
      bodySignal: undefined,
      cancelled: undefined,
      signal,
    });
    try {
      return await handler(asked);
    } catch {
      return undefined;
    }
  };
}

function pageRequest(
  { request, method, path, query }: Exchange,
  status: number,
  requestHeaders: AskedResponse["requestHeaders"],
): Request {
  const headers = new Headers();
  for (const [name, value] of request.headers) if (!notForPages.test(name)) headers.append(name, value);
  headers.set("x-code", String(status));
  const wanted = request.headers.get("accept");
  if (wanted === null) headers.delete("x-format");
  else headers.set("x-format", wanted);
  headers.set("x-original-uri", query === "" ? path : `${path}?${query}`);
  for (const { name, value } of requestHeaders) headers.set(name, value);
  return new Request(request.url, {
    method: method === "HEAD" ? "HEAD" : "GET",
    headers,
    ...(request.cf && { cf: request.cf }),
  });
}
