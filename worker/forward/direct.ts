// Forwards to an endpoint that the gateway dials itself.
import { GatewayError } from "#contract/error.ts";
import type { Exchange } from "../exchange.ts";
import { fetchFailure } from "./fetch-failure.ts";
import { withoutHopByHop } from "./response-head.ts";
import { upstreamRequest } from "./upstream-request.ts";

/** Rejects with `endpoint_connect_failed` or `endpoint_reset`. */
export function forwardDirect(exchange: Exchange): Promise<Response> {
  const { endpoint } = exchange;
  if (!endpoint) throw new GatewayError("internal", "no endpoint was picked");
  const { service, origin } = endpoint;
  // A service sends the URL's host as Host whatever address it dials; plain `fetch` dials the URL's host.
  const response = service
    ? service.fetch(
        ...upstreamRequest(exchange, `http://${exchange.upstreamAuthority}${exchange.upstreamTarget}`),
      )
    : fetch(...upstreamRequest(exchange, origin + exchange.upstreamTarget));
  return response.then(withoutHopByHop, async (error: unknown) => {
    // It says nothing about the endpoint.
    exchange.bodySignal?.throwIfAborted();
    throw await fetchFailure(error, endpoint, exchange.signal);
  });
}
