// Backend stage: RequestHeaderModifier and URLRewrite. After `prepareRequest`, so that a filter's word is the last.
import { applyHeaderOperations } from "#traffic/filter/header-operations.ts";
import type { BackendScope, Stage } from "./stage.ts";

export const modifyRequest: Stage<BackendScope> = ({ filters }, next) => {
  const { requestHeaders, rewrite } = filters;
  if (!requestHeaders && !rewrite) return next;
  return (exchange) => {
    if (requestHeaders && exchange.headers) applyHeaderOperations(requestHeaders, exchange.headers, exchange);
    if (requestHeaders && exchange.trailers)
      exchange.trailers.withhold(requestHeaders.map(({ name }) => name));
    if (rewrite?.hostname) exchange.upstreamAuthority = rewrite.hostname;
    if (rewrite?.target) {
      const { path, query } = rewrite.target(exchange);
      exchange.upstreamPath = path;
      exchange.upstreamQuery = query;
    } else if (rewrite?.path) {
      exchange.upstreamPath = rewrite.path(exchange.path, exchange.matched?.prefixChars ?? 0);
    }
    return next(exchange);
  };
};
