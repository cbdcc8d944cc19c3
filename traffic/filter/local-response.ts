// DirectResponse, ResponseOverride and error pages: responses that no backend makes.
import type { ErrorPage } from "#contract/error-pages.ts";
import type { ErrorCode } from "#contract/error.ts";
import type { DirectResponse, ResponseOverrides } from "#contract/local-response.ts";
import { statusesOf } from "#contract/status-match.ts";
import { compileHeadersFrom, type HeaderOperation, isProtectedHeader } from "./header-operations.ts";
import { compileRequestText, type TextOf } from "./request-text.ts";

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
) => ReplacedResponse | AskedResponse | undefined;

export interface ReplacedResponse extends LocalResponse {
  /** Whether headers of the replaced response stay that do not describe its body. */
  readonly keepsHeaders: boolean;
}

/** Of several entries for one status the first counts. */
export function compileResponseOverrides(overrides: ResponseOverrides): ResponseOverridePlan {
  const pages = { Backend: new Map<number, Page>(), Local: new Map<number, Page>() };
  for (const { match, source = "All", response } of overrides) {
    const { backendRef, requestHeaders = [], statusCode } = response;
    const asked = backendRef && { backend: backendRef.name, requestHeaders };
    // With a status of its own the page is the same for all.
    const common = asked ?? (statusCode === undefined ? undefined : compileReplacement(response, statusCode));
    const sources = source === "All" ? (["Backend", "Local"] as const) : [source];
    for (const status of match.statusCodes.flatMap(statusesOf)) {
      const page = common ?? compileReplacement(response, status);
      for (const one of sources) if (!pages[one].has(status)) pages[one].set(status, page);
    }
  }
  return (status, isFromBackend) => pages[isFromBackend ? "Backend" : "Local"].get(status);
}

type Page = ReplacedResponse | AskedResponse;

function compileReplacement(
  { keepHeaders = true, ...config }: ResponseOverrides[number]["response"],
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
