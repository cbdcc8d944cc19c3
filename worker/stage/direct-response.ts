// Rule and backend stage: DirectResponse answers instead of a backend.
import { applyHeaderOperations } from "#traffic/filter/header-operations.ts";
import { localResponse } from "./local-response.ts";
import type { FilterScope, Stage } from "./stage.ts";

export const directResponse: Stage<FilterScope> = ({ filters }, next) => {
  const plan = filters.directResponse;
  if (!plan) return next;
  return (exchange) => {
    const response = localResponse(plan, exchange.method, { request: exchange });
    applyHeaderOperations(filters.responseHeaders, response.headers, exchange, response.status);
    return response;
  };
};
