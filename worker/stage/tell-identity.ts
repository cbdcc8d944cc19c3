// Backend stage: the endpoint hears who asks from the gateway alone.
import type { BackendScope, Stage } from "./stage.ts";

/** After `prepareRequest`. */
export const tellIdentity: Stage<BackendScope> = ({ access }, next) => {
  if (!access || (access.authenticators.length === 0 && access.ownedHeaders.size === 0)) return next;
  return (exchange) => {
    if (exchange.headers) exchange.upstreamIdentity?.apply(exchange.headers);
    return next(exchange);
  };
};
