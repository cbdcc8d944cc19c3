// DirectResponse, and ResponseOverride for custom error pages: responses that no backend makes.
import type { DirectResponse, ResponseOverrides } from "#contract/local-response.ts";
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
  const { bodyFrom, headersFrom, statusCode } = config;
  const text = bodyFrom && !withoutContent.has(statusCode) ? compileRequestText(bodyFrom) : undefined;
  const response = compileResponse(config, statusCode, text);
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

/** By status, of those that are replaced. */
export type ResponseOverridePlan = ReadonlyMap<number, LocalResponse | AskedResponse>;

/** Of several entries for one status the first counts. */
export function compileResponseOverrides(overrides: ResponseOverrides): ResponseOverridePlan {
  const plan = new Map<number, LocalResponse | AskedResponse>();
  for (const { match, response } of overrides) {
    const { backendRef, requestHeaders = [] } = response;
    const asked = backendRef && { backend: backendRef.name, requestHeaders };
    for (const statusCode of match.statusCodes) {
      const [start, end] =
        statusCode.type === "Value"
          ? [statusCode.value, statusCode.value]
          : [statusCode.range.start, statusCode.range.end];
      for (let status = start; status <= end; status += 1) {
        if (!plan.has(status))
          plan.set(status, asked ?? compileResponse(response, response.statusCode ?? status));
      }
    }
  }
  return plan;
}
