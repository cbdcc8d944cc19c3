// The request's headers as the endpoint would see them, for a server that is asked about the request.
import { isForged } from "#traffic/forwarding/forged-names.ts";
import { forwardingNames } from "#traffic/forwarding/forwarded.ts";
import type { Exchange } from "../exchange.ts";

/** A client cannot pretend to have been authenticated, or to be another one. */
export function seenHeaders({ request, chain, upstreamIdentity }: Exchange): Headers {
  const seen = new Headers(request.headers);
  // The server hears who the client is from the gateway alone, or from a proxy in front of it that is trusted.
  const forged = [...seen.keys()].filter(isForged);
  for (const name of [...forged, ...(chain.trusted ? [] : forwardingNames)]) seen.delete(name);
  upstreamIdentity?.apply(seen);
  return seen;
}
