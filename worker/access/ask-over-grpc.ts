// The question of external authorization over gRPC, as Envoy asks it (`envoy.service.auth.v3.Authorization/Check`).
import type { ExtAuth } from "#contract/external-authorization.ts";
import {
  checkPath,
  checkRequest,
  readCheckResponse,
  type AllowedRequest,
} from "#traffic/access/check-call.ts";
import { withoutParam } from "#traffic/access/credential-place.ts";
import { compileTextPatterns } from "#traffic/access/text-pattern.ts";
import { UpstreamIdentity } from "#traffic/access/upstream-identity.ts";
import type { Exchange } from "../exchange.ts";
import type { CallBackend } from "../stage/call-backend.ts";
import { certificateName } from "./client-certificate.ts";
import { seenHeaders } from "./seen-headers.ts";
import { applyChanges, type Verdict } from "./verdict.ts";

type GrpcServer = NonNullable<ExtAuth["grpc"]>;

/** Answers of these have no body. */
const bareStatuses = new Set([204, 205, 304]);

/** Rejects where the server gives no answer. */
export function compileCheck(
  { backendRef, contextExtensions = [] }: GrpcServer,
  { headersToExtAuth, timeoutMs }: ExtAuth,
  callBackend: CallBackend,
): (exchange: Exchange) => Promise<Verdict> {
  const isShown =
    headersToExtAuth.length > 0
      ? compileTextPatterns(headersToExtAuth.map((name) => name.toLowerCase()))
      : () => true;
  return async (exchange) => {
    const message = checkRequest({
      ...attributesOf(exchange),
      headers: headersOf(exchange).filter(([name]) => isShown(name)),
      contextExtensions,
    });
    const answer = await callBackend(exchange, {
      backend: backendRef.name,
      path: checkPath,
      message,
      timeoutMs,
    });
    const verdict = readCheckResponse(answer);
    if (verdict.allowed) return allow(verdict.ok, exchange);
    const headers = new Headers();
    applyChanges(verdict.headers, headers);
    const { status, body } = verdict;
    const isBare = exchange.method === "HEAD" || body === "" || bareStatuses.has(status);
    return new Response(isBare ? null : body, { status, headers });
  };
}

function attributesOf(exchange: Exchange) {
  const { method, scheme, authority, chain, port, request, startedMs } = exchange;
  const { httpProtocol } = (request.cf ?? {}) as { httpProtocol?: unknown };
  return {
    clientAddress: chain.clientAddress,
    principal: certificateName(request.cf),
    port,
    timeMs: startedMs,
    id: exchange.requestId ?? exchange.uniqueId,
    method,
    scheme,
    authority,
    target: targetOf(exchange),
    protocol: typeof httpProtocol === "string" ? httpProtocol : "HTTP/1.1",
    bodyBytes: Number(request.headers.get("content-length") ?? 0),
  };
}

function targetOf({ path, query }: Exchange): string {
  return query === "" ? path : `${path}?${query}`;
}

/** As the endpoint would see them, with the names that HTTP/2 has for the rest of the head. */
function headersOf(exchange: Exchange): (readonly [name: string, value: string])[] {
  const { method, scheme, authority, chain } = exchange;
  const seen = seenHeaders(exchange);
  seen.delete("host");
  if (!chain.trusted) seen.set("x-forwarded-for", chain.clientAddress);
  seen.set("x-forwarded-proto", scheme);
  return [
    [":authority", authority],
    [":method", method],
    [":path", targetOf(exchange)],
    [":scheme", scheme],
    ...seen,
  ];
}

/** What follows reads what the server has changed as the request's own. */
function allow(ok: AllowedRequest, exchange: Exchange): Verdict {
  exchange.upstreamIdentity ??= new UpstreamIdentity(new Set());
  const before = new Headers(ok.headers.flatMap(({ name }) => headerOf(name, exchange)));
  applyChanges(ok.headers, before);
  for (const [name, value] of before) change(name, value, exchange);
  for (const name of ok.headersToRemove) change(name, null, exchange);
  for (const name of ok.paramsToRemove) exchange.query = withoutParam(exchange.query, name);
  for (const [name, value] of ok.paramsToSet) {
    const others = withoutParam(exchange.query, name);
    const param = new URLSearchParams([[name, value]]).toString();
    exchange.query = others === "" ? param : `${others}&${param}`;
  }
  return ok.responseHeaders;
}

function headerOf(name: string, exchange: Exchange): [name: string, value: string][] {
  const value = exchange.header(name);
  return value === null ? [] : [[name, value]];
}

function change(name: string, value: string | null, exchange: Exchange): void {
  exchange.upstreamIdentity!.set(name, value);
  exchange.grant(name, value);
}
