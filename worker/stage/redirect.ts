// Rule and backend stage: RequestRedirect answers instead of a backend.
import { redirectLocation } from "#traffic/filter/redirect.ts";
import { applyHeaderOperations } from "#traffic/filter/header-operations.ts";
import type { FilterScope, Stage } from "./stage.ts";

export const redirect: Stage<FilterScope> = ({ filters }, next) => {
  const plan = filters.redirect;
  if (!plan) return next;
  return (exchange) => {
    const prefixChars = exchange.matched?.prefixChars ?? 0;
    const location = redirectLocation(plan, exchange, prefixChars);
    const headers = new Headers({ location });
    applyHeaderOperations(filters.responseHeaders, headers, exchange, plan.statusCode);
    return new Response(null, { status: plan.statusCode, headers });
  };
};
