// Backend stage: the headers that the endpoint will see, those of the connection dropped, forwarding headers written.
import { compileShownCookies, type ShownCookies } from "#traffic/balance/shown-cookies.ts";
import { applyHeaderOperations } from "#traffic/filter/header-operations.ts";
import { isForged } from "#traffic/forwarding/forged-names.ts";
import { setForwardingHeaders } from "#traffic/forwarding/forwarded.ts";
import { dropHopByHop } from "#traffic/forwarding/hop-by-hop.ts";
import { forwardCertificate } from "../access/client-certificate.ts";
import { KnownHeaders } from "../forward/known-headers.ts";
import { propagateTrace } from "../report/tracer.ts";
import { ownRequestId, requestIdHeader } from "./observe-request.ts";
import type { BackendScope, Stage } from "./stage.ts";

export const prepareRequest: Stage<BackendScope> = ({ backend, rule }, next) => {
  const session = rule.sessionPersistence;
  const shownCookies = session && compileShownCookies(session);
  const uncompressed = rule.compression?.removeAcceptEncodingHeader === true;
  return (exchange) => {
    const { authority, scheme, chain } = exchange;
    const known = new KnownHeaders(new Headers(exchange.request.headers), exchange.fields.keys());
    dropHopByHop(known);
    known.deleteWhere(isForged);
    // The body is on its way, so there is nothing to wait for (RFC 9110 §10.1.1).
    known.delete("expect");
    // RFC 6455 §4.1: an upgrade is a GET. The runtime would make it one, and a rule that let a POST pass did not mean it.
    if (exchange.method !== "GET") known.delete("upgrade");
    if (uncompressed) known.delete("accept-encoding");
    if (shownCookies) showCookies(known, shownCookies);
    setForwardingHeaders(known, { peerAddress: chain.clientAddress, scheme, host: authority }, chain);
    if (exchange.listener?.forwardClientCertificate) forwardCertificate(known, exchange.request.cf);
    exchange.headers = known.headers;
    exchange.requestId ??= ownRequestId(exchange);
    if (exchange.requestId !== undefined) known.headers.set(requestIdHeader, exchange.requestId);
    if (exchange.trace) propagateTrace(known.headers, exchange.trace, Date.now());
    const late = exchange.listener && exchange.plan.listenerHeaders.get(exchange.listener.name);
    if (late) applyHeaderOperations(late.request, known.headers, exchange);
    exchange.backend = backend;
    return next(exchange);
  };
};

function showCookies({ headers }: KnownHeaders, shown: ShownCookies): void {
  const cookies = headers.get("cookie");
  if (cookies === null) return;
  const others = shown(cookies);
  if (others === null) headers.delete("cookie");
  else if (others !== cookies) headers.set("cookie", others);
}
