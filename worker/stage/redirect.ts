// Rule and backend stage: RequestRedirect answers instead of a backend.
import { redirectLocation } from "#traffic/filter/redirect.ts";
import { applyHeaderOperations } from "#traffic/filter/header-operations.ts";
import type { FilterScope, Stage } from "./stage.ts";

export const redirect: Stage<FilterScope> = ({ filters }, next) => {
  const plan = filters.redirect;
  if (!plan) return next;
  return (exchange) => {
    const { scheme, host, path, query } = exchange;
    // The port that the client used is the listener's as it is reached, also behind a port mapping.
    const location = redirectLocation(plan, {
      scheme,
      host,
      path,
      query,
      listenerPort: exchange.port,
      prefixChars: exchange.matched?.prefixChars ?? 0,
    });
    const headers = new Headers({ location });
    applyHeaderOperations(filters.responseHeaders, headers, exchange);
    return new Response(null, { status: plan.statusCode, headers });
  };
};
