// RequestRedirect: status and Location of the answer.
import type { Filter } from "#contract/http-route.ts";
import { compilePathReplacement, type PathReplacement } from "./path-replacement.ts";

type RedirectConfig = Extract<Filter, { type: "RequestRedirect" }>["requestRedirect"];

export interface RedirectPlan {
  readonly statusCode: number;
  readonly scheme?: "http" | "https";
  readonly hostname?: string;
  readonly port?: number;
  readonly path?: PathReplacement;
}

/** What a redirect is relative to. */
export interface RedirectedRequest {
  /** Scheme the client used. */
  readonly scheme: "http" | "https";
  /** Host name of the request, without port (IPv6 in brackets). */
  readonly host: string;
  /** Port of the listener as clients reach it. */
  readonly listenerPort: number;
  /** Normalised. */
  readonly path: string;
  /** Raw, without `?`. */
  readonly query: string;
  /** See `RuleMatch.prefixChars`. */
  readonly prefixChars: number;
}

export function compileRedirect(config: RedirectConfig): RedirectPlan {
  return {
    statusCode: config.statusCode,
    ...(config.scheme && { scheme: config.scheme }),
    ...(config.hostname && { hostname: config.hostname.toLowerCase() }),
    ...(config.port && { port: config.port }),
    ...(config.path && { path: compilePathReplacement(config.path) }),
  };
}

const wellKnownPort = { http: 80, https: 443 } as const;

/**
 * The absolute Location. Without a configured port, a configured scheme implies its well-known port, otherwise it is
 * the listener's; a scheme's well-known port is not written (Gateway API HTTPRequestRedirectFilter.port). The query
 * stays.
 */
export function redirectLocation(plan: RedirectPlan, request: RedirectedRequest): string {
  const scheme = plan.scheme ?? request.scheme;
  const port = plan.port ?? (plan.scheme ? wellKnownPort[plan.scheme] : request.listenerPort);
  const authority = (plan.hostname ?? request.host) + (port === wellKnownPort[scheme] ? "" : `:${port}`);
  const path = plan.path ? plan.path(request.path, request.prefixChars) : request.path;
  return `${scheme}://${authority}${path}${request.query === "" ? "" : `?${request.query}`}`;
}
