// Rule stage: ResponseOverride, custom error pages for what backends and the gateway itself answer.
import { trailersHeader } from "#contract/body-frames.ts";
import { answerError } from "./answer-error.ts";
import { localResponse } from "./local-response.ts";
import type { RuleScope, Stage } from "./stage.ts";

export const overrideResponse: Stage<RuleScope> = ({ filters, branchFilters }, next) => {
  if (![filters, ...branchFilters].some((plan) => plan.responseOverrides)) return next;
  return async (exchange) => {
    const response = await answerError(next, exchange);
    const page = (branchFilters[exchange.refIndex] ?? filters).responseOverrides?.get(response.status);
    if (!page) return response;
    const headers = new Headers(response.headers);
    for (const name of representationHeaders) headers.delete(name);
    void response.body?.cancel().catch(() => undefined);
    return localResponse(page, exchange.method, headers);
  };
};

/** What describes the body that is replaced (RFC 9110 §8). All else stays: Retry-After, WWW-Authenticate, the error's code. */
const representationHeaders = [
  "accept-ranges",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-length",
  "content-location",
  "content-range",
  "content-type",
  "etag",
  "last-modified",
  trailersHeader,
];
