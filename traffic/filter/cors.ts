// Cross-Origin Resource Sharing as the Gateway API has it (HTTPCORSFilter, GEP-1767) and browsers read it (Fetch §3.2).
import type { Cors } from "#contract/cors.ts";
import type { HeaderFields } from "../forwarding/header-fields.ts";
import { compilePattern } from "../match/pattern/pattern.ts";
import type { RequestHead } from "../match/request-head.ts";

export interface CorsPlan {
  readonly allowsOrigin: (origin: string) => boolean;
  /** `*` can be the answer for every origin: only without credentials. */
  readonly anyOrigin: boolean;
  readonly credentials: boolean;
  /** Value of Access-Control-Allow-Methods; `*`: what was asked for. Absent: none. */
  readonly methods?: string;
  /** Value of Access-Control-Allow-Headers; `*`: what was asked for. Absent: none. */
  readonly headers?: string;
  readonly exposed?: string;
  readonly maxAge: string;
}

export function compileCors(config: Cors): CorsPlan {
  const { allowOrigins, allowOriginPatterns, allowCredentials, allowMethods, allowHeaders, exposeHeaders } =
    config;
  const patterns = allowOrigins.map(parseOrigin).filter((pattern) => pattern !== undefined);
  const everyOrigin = allowOrigins.includes("*");
  const expressions = (allowOriginPatterns ?? []).map((source) => compilePattern(source));
  // With credentials a `*` would be a header called "*" (Fetch §3.2.5), so it cannot be said.
  const exposed = exposeHeaders.filter((name) => !(allowCredentials && name === "*"));
  return {
    allowsOrigin: (origin) => {
      if (everyOrigin || expressions.some((expression) => expression.test(origin))) return true;
      const parsed = parseOrigin(origin);
      return parsed !== undefined && patterns.some((pattern) => originMatches(pattern, parsed));
    },
    anyOrigin: everyOrigin && !allowCredentials,
    credentials: allowCredentials,
    ...(allowMethods.length > 0 && { methods: allowMethods.join(", ") }),
    ...(allowHeaders.length > 0 && { headers: allowHeaders.join(", ") }),
    ...(exposed.length > 0 && { exposed: exposed.join(", ") }),
    maxAge: String(config.maxAge),
  };
}

/** Fetch §3.2.2: a preflight asks before the request; the gateway answers it, with 204 and {@link corsHeaders}. */
export function isPreflight(head: RequestHead): boolean {
  return (
    head.method === "OPTIONS" &&
    head.header("origin") !== null &&
    head.header("access-control-request-method") !== null
  );
}

const maxEchoedChars = 4096;
const tokenList = /^[\w!#$%&'*+.^`|~, -]*$/;

/** Headers of the answer to a preflight. An origin that is not allowed gets none of them and so the browser's refusal. */
export function preflightHeaders(plan: CorsPlan, head: RequestHead): [name: string, value: string][] {
  const origin = head.header("origin");
  const vary: [string, string] = [
    "vary",
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
  ];
  if (origin === null || !plan.allowsOrigin(origin)) return [vary];
  const methods = echoWildcard(plan.methods, head.header("access-control-request-method"));
  const headers = echoWildcard(plan.headers, head.header("access-control-request-headers"));
  return [
    ...originHeaders(plan, origin),
    ...(methods === undefined ? [] : [["access-control-allow-methods", methods] as [string, string]]),
    ...(headers === undefined ? [] : [["access-control-allow-headers", headers] as [string, string]]),
    ["access-control-max-age", plan.maxAge],
    vary,
  ];
}

/** Where everything is allowed, what was asked for is named: that works with and without credentials. */
function echoWildcard(configured: string | undefined, asked: string | null): string | undefined {
  if (configured !== "*") return configured;
  return asked !== null && asked !== "" && asked.length <= maxEchoedChars && tokenList.test(asked)
    ? asked
    : undefined;
}

const ownedNames = [
  "access-control-allow-origin",
  "access-control-allow-credentials",
  "access-control-expose-headers",
  "access-control-allow-methods",
  "access-control-allow-headers",
  "access-control-max-age",
] as const;

/** For responses to other requests, in place. What the backend says on the matter is replaced: the filter decides. */
export function applyCors(plan: CorsPlan, head: RequestHead, response: HeaderFields): void {
  for (const name of ownedNames) response.delete(name);
  // Caches must keep answers for different origins apart, also when this request has none.
  if (!plan.anyOrigin) response.append("vary", "Origin");
  // What is for every origin is said to those that name none, too: a cache may keep it for others.
  const origin = head.header("origin") ?? (plan.anyOrigin ? "*" : null);
  if (origin === null || !plan.allowsOrigin(origin)) return;
  for (const [name, value] of originHeaders(plan, origin)) response.set(name, value);
}

function originHeaders(plan: CorsPlan, origin: string): [name: string, value: string][] {
  return [
    ["access-control-allow-origin", plan.anyOrigin ? "*" : origin],
    ...(plan.credentials ? [["access-control-allow-credentials", "true"] as [string, string]] : []),
    ...(plan.exposed === undefined
      ? []
      : [["access-control-expose-headers", plan.exposed] as [string, string]]),
  ];
}

interface Origin {
  readonly scheme: string;
  /** Lower case; in a pattern `*` or `*.suffix`. */
  readonly host: string;
  readonly port: number;
}

const wellKnownPorts: ReadonlyMap<string, number> = new Map([
  ["http", 80],
  ["https", 443],
]);

/** Origins and patterns of origins have one form, also those of applications' own schemes. `null` is none of them. */
function parseOrigin(text: string): Origin | undefined {
  const parts =
    /^([a-z][a-z0-9+.-]*):\/\/((?:\*\.)?[A-Za-z0-9_.-]+|\*|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?$/.exec(text);
  if (!parts) return undefined;
  const scheme = parts[1]!;
  return { scheme, host: parts[2]!.toLowerCase(), port: Number(parts[3] ?? wellKnownPorts.get(scheme) ?? 0) };
}

function originMatches(pattern: Origin, origin: Origin): boolean {
  if (pattern.scheme !== origin.scheme || pattern.port !== origin.port) return false;
  if (pattern.host === "*") return true;
  // `*` stands for one or more labels: there is something in front of the dot.
  if (!pattern.host.startsWith("*.")) return pattern.host === origin.host;
  return origin.host.endsWith(pattern.host.slice(1)) && origin.host.length >= pattern.host.length;
}
