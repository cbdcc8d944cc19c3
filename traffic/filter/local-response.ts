// DirectResponse, ResponseOverride and error pages: responses that no backend makes.
import type { ErrorPage } from "#contract/error-pages.ts";
import type { ErrorCode } from "#contract/error.ts";
import type { DirectResponse, ResponseOverrides } from "#contract/local-response.ts";
import { statusesOf } from "#contract/status-match.ts";
import type { HeaderFields } from "../forwarding/header-fields.ts";
import { compileHeadersFrom, type HeaderOperation, isProtectedHeader } from "./header-operations.ts";
import { compileRequestText, type TextOf } from "./request-text.ts";
import { compileResponseCondition, type ResponseCondition } from "./response-condition.ts";

export interface LocalResponse {
  readonly status: number;
  /** For `applyHeaderOperations` on the new response's empty headers. */
  readonly headers: readonly HeaderOperation[];
  /** `null`: no body. */
  readonly body: string | TextOf | null;
}

type ResponseConfig = Pick<DirectResponse, "body" | "contentType" | "header">;

export function compileDirectResponse(config: DirectResponse): LocalResponse {
  return compileMadeResponse(config, config.statusCode);
}

function compileMadeResponse(config: Omit<DirectResponse, "statusCode">, status: number): LocalResponse {
  const { bodyFrom, headersFrom } = config;
  const text = bodyFrom && !withoutContent.has(status) ? compileRequestText(bodyFrom) : undefined;
  const response = compileResponse(config, status, text);
  const headers = compileHeadersFrom("addFrom", headersFrom).filter(({ name }) => !isProtectedHeader(name));
  return { ...response, headers: [...response.headers, ...headers] };
}

/** Statuses whose responses have no content (RFC 9110 §15.3.5, §15.3.6, §15.4.5). */
const withoutContent = new Set([204, 205, 304]);

function compileResponse(
  { contentType, body, header }: ResponseConfig,
  status: number,
  text?: TextOf,
): LocalResponse {
  const content = text ?? (body === undefined || withoutContent.has(status) ? null : body.inline);
  const typed = content !== null || contentType !== undefined;
  return {
    status,
    headers: [
      ...(typed
        ? [{ kind: "set" as const, name: "content-type", value: contentType ?? "text/plain; charset=utf-8" }]
        : []),
      ...(header?.set ?? []).map(({ name, value }) => ({
        kind: "set" as const,
        name: name.toLowerCase(),
        value,
      })),
      ...(header?.add ?? []).map(({ name, value }) => ({
        kind: "add" as const,
        name: name.toLowerCase(),
        value,
      })),
    ].filter(({ name }) => !isProtectedHeader(name)),
    body: content,
  };
}

/** A backend that is asked for a response. */
export interface AskedResponse {
  readonly backend: string;
  readonly requestHeaders: readonly { readonly name: string; readonly value: string }[];
}

/** Which responses a page stands for; `undefined`: this one stays. */
export type ResponseOverridePlan = (
  status: number,
  isFromBackend: boolean,
  headers: HeaderFields,
) => Page | undefined;

export type Page = ReplacedResponse | AskedResponse | ChangedStatus;

export interface ReplacedResponse extends LocalResponse {
  /** Whether headers of the replaced response stay that do not describe its body. */
  readonly keepsHeaders: boolean;
}

/** The response stays but for its status. */
export interface ChangedStatus {
  readonly newStatus: number;
  /** Whether responses of the new status have content. */
  readonly hasContent: boolean;
}

interface PageChoice {
  readonly page: Page;
  readonly isFor: ResponseCondition | undefined;
}

/** Of several entries for one response the first counts. */
export function compileResponseOverrides(overrides: ResponseOverrides): ResponseOverridePlan {
  const pages = { Backend: new Map<number, PageChoice[]>(), Local: new Map<number, PageChoice[]>() };
  for (const { match, source = "All", response } of overrides) {
    const common = commonPage(response);
    const isFor = compileResponseCondition({ responseHeaders: match.responseHeaders, not: match.not });
    const sources = source === "All" ? (["Backend", "Local"] as const) : [source];
    for (const status of match.statusCodes.flatMap(statusesOf)) {
      const choice = { page: common ?? compileReplacement(response, status), isFor };
      for (const one of sources) {
        const known = pages[one].get(status);
        if (known) known.push(choice);
        else pages[one].set(status, [choice]);
      }
    }
  }
  return (status, isFromBackend, headers) =>
    pages[isFromBackend ? "Backend" : "Local"]
      .get(status)
      ?.find(({ isFor }) => !isFor || isFor(status, headers))?.page;
}

type Replacement = ResponseOverrides[number]["response"];

/** What is the same for all statuses; `undefined`: it has that of the response. */
function commonPage(response: Replacement): Page | undefined {
  const { backendRef, requestHeaders = [], statusCode, keepBody = false } = response;
  if (backendRef) return { backend: backendRef.name, requestHeaders };
  if (statusCode === undefined) return undefined;
  return keepBody
    ? { newStatus: statusCode, hasContent: !withoutContent.has(statusCode) }
    : compileReplacement(response, statusCode);
}

function compileReplacement(
  { keepHeaders = true, ...config }: Replacement,
  status: number,
): ReplacedResponse {
  return { ...compileMadeResponse(config, status), keepsHeaders: keepHeaders };
}

/** What stands for the gateway's own answer to an error. */
export interface ErrorPagePlan extends Omit<LocalResponse, "status"> {
  /** Absent: that of the error. */
  readonly status?: number;
  /** Whether the gateway's own document stays as the body. */
  readonly keepsBody: boolean;
}

/** The first page for an error. */
export type ErrorPageFinder = (error: {
  readonly code: ErrorCode;
  readonly status: number;
}) => ErrorPagePlan | undefined;

export function compileErrorPages(pages: readonly ErrorPage[]): ErrorPageFinder {
  const found = pages.map(({ match, response }) => ({
    codes: new Set<ErrorCode>(match.errorCodes),
    statuses: new Set(match.statusCodes?.flatMap(statusesOf)),
    plan: compileErrorPage(response),
  }));
  return ({ code, status }) =>
    found.find(({ codes, statuses }) => codes.has(code) || statuses.has(status))?.plan;
}

function compileErrorPage({ statusCode, ...config }: ErrorPage["response"]): ErrorPagePlan {
  const { headers, body } = compileMadeResponse(config, statusCode ?? 500);
  return {
    ...(statusCode !== undefined && { status: statusCode }),
    headers,
    body,
    keepsBody: config.body === undefined && config.bodyFrom === undefined,
  };
}
