// Rule stage: ResponseOverride, custom error pages for what backends and the gateway itself answer.
import { trailersHeader } from "#contract/body-frames.ts";
import type { AskedResponse, ChangedStatus, ReplacedResponse } from "#traffic/filter/local-response.ts";
import type { Exchange } from "../exchange.ts";
import { answerError } from "./answer-error.ts";
import { askForPage, type AskForPage } from "./ask-for-page.ts";
import { localResponse } from "./local-response.ts";
import type { RuleScope, Stage } from "./stage.ts";

export const overrideResponse: Stage<RuleScope> = (scope, next) => {
  const { filters, branchFilters } = scope;
  if (![filters, ...branchFilters].some((plan) => plan.responseOverrides)) return next;
  const askers = new Map<AskedResponse, AskForPage>();
  return async (exchange) => {
    const response = await answerError(next, exchange);
    const page = (branchFilters[exchange.refIndex] ?? filters).responseOverrides?.(
      response.status,
      exchange.error === undefined && exchange.endpoint !== undefined,
      exchange.givenHeaders ?? response.headers,
    );
    if (!page) return response;
    if ("newStatus" in page) return withStatus(response, page);
    if (!("backend" in page)) return wordedPage(page, response, exchange);
    let ask = askers.get(page);
    if (!ask) askers.set(page, (ask = askForPage(scope, page)));
    const asked = await ask(exchange, response.status);
    return asked ? askedPage(asked, response) : response;
  };
};

function withStatus(response: Response, { newStatus, hasContent }: ChangedStatus): Response {
  if (response.status === newStatus) return response;
  const { headers, body } = response;
  if (hasContent) return new Response(body, { status: newStatus, headers, encodeBody: "manual" });
  void body?.cancel().catch(() => undefined);
  return new Response(null, { status: newStatus, headers });
}

function wordedPage(page: ReplacedResponse, response: Response, exchange: Exchange): Response {
  const headers = new Headers(page.keepsHeaders ? response.headers : undefined);
  for (const name of representationHeaders) headers.delete(name);
  void response.body?.cancel().catch(() => undefined);
  return localResponse(page, exchange.method, { headers, request: exchange });
}

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

/** The page's own headers, and of the replaced response what clients act on. */
function askedPage(page: Response, replaced: Response): Response {
  void replaced.body?.cancel().catch(() => undefined);
  // A copy of the response itself, for its body may be encoded.
  const copy = new Response(page.body, page);
  for (const name of keptHeaders) {
    const value = replaced.headers.get(name);
    if (value !== null) copy.headers.set(name, value);
  }
  return copy;
}

const keptHeaders = ["isthmus-error", "proxy-status", "retry-after", "www-authenticate"];
