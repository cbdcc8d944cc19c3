// Backend stage: the endpoint hears who asks from the gateway alone.
import type { BackendScope, Stage } from "./stage.ts";

/** After `prepareRequest`. */
export const tellIdentity: Stage<BackendScope> = ({ access }, next) => {
  if (!access) return next;
  const { authenticators, ownedHeaders, askFirst, askExternally } = access;
  if (authenticators.length === 0 && ownedHeaders.size === 0 && !askFirst && !askExternally) return next;
  return (exchange) => {
    if (exchange.headers) exchange.upstreamIdentity?.apply(exchange.headers);
    return next(exchange);
  };
};
