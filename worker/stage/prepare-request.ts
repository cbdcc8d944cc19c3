// Backend stage: the headers that the endpoint will see, those of the connection dropped, forwarding headers written.
import { setForwardingHeaders } from "#traffic/forwarding/forwarded.ts";
import { dropHopByHop } from "#traffic/forwarding/hop-by-hop.ts";
import type { BackendScope, Stage } from "./stage.ts";

export const prepareRequest: Stage<BackendScope> = ({ backend }, next) => {
  return (exchange) => {
    const headers = new Headers(exchange.request.headers);
    dropHopByHop(headers);
    const { authority, scheme, chain } = exchange;
    setForwardingHeaders(headers, { peerAddress: chain.clientAddress, scheme, host: authority }, chain);
    exchange.headers = headers;
    exchange.backend = backend;
    return next(exchange);
  };
};
