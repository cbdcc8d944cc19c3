// RequestRedirect: status and Location of the answer.
import type { Filter } from "#contract/http-route.ts";
import { compilePathReplacement, type PathReplacement } from "./path-replacement.ts";
import { asUriText, compileRequestText, type ClientRequest, type TextOf } from "./request-text.ts";

type RedirectConfig = Extract<Filter, { type: "RequestRedirect" }>["requestRedirect"];

export interface RedirectPlan {
  readonly statusCode: number;
  readonly scheme?: "http" | "https";
  readonly hostname?: string;
  readonly port?: number;
  readonly path?: PathReplacement;
  /** In place of all of these. */
  readonly location?: TextOf;
}

/** What a redirect is relative to. */
export interface RedirectedRequest extends ClientRequest {
  readonly scheme: "http" | "https";
  /** Host name of the request, without port (IPv6 in brackets). */
  readonly host: string;
}

export function compileRedirect(config: RedirectConfig): RedirectPlan {
  return {
    statusCode: config.statusCode,
    ...(config.scheme && { scheme: config.scheme }),
    ...(config.hostname && { hostname: config.hostname.toLowerCase() }),
    ...(config.port && { port: config.port }),
    ...(config.path && { path: compilePathReplacement(config.path) }),
    ...(config.location && { location: compileRequestText(config.location) }),
  };
}

const wellKnownPort = { http: 80, https: 443 } as const;

/**
 * The Location, absolute unless it is worded otherwise. Without a configured port, a configured scheme implies its
 * well-known port, otherwise it is the listener's as clients reach it; a scheme's well-known port is not written (Gateway
 * API HTTPRequestRedirectFilter.port). The query stays. `prefixChars`: see `RuleMatch`.
 */
export function redirectLocation(
  plan: RedirectPlan,
  request: RedirectedRequest,
  prefixChars: number,
): string {
  if (plan.location) return asUriText(plan.location(request));
  const scheme = plan.scheme ?? request.scheme;
  const port = plan.port ?? (plan.scheme ? wellKnownPort[plan.scheme] : request.port);
  const authority = (plan.hostname ?? request.host) + (port === wellKnownPort[scheme] ? "" : `:${port}`);
  const path = plan.path ? plan.path(request.path, prefixChars) : request.path;
  return `${scheme}://${authority}${path}${request.query === "" ? "" : `?${request.query}`}`;
}
