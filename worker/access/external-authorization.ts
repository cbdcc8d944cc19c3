// Another server's word on each request. Over HTTP (Envoy Gateway's extAuth, ingress-nginx's `auth-url`, Traefik's
// forwardAuth): 2xx lets the request pass, any other answer below 500 goes to the client. What is no answer refuses.
import { GatewayError } from "#contract/error.ts";
import type { ExtAuth } from "#contract/external-authorization.ts";
import { compileRequestRules } from "#traffic/access/authorization.ts";
import { compileTextPatterns, type TextPattern } from "#traffic/access/text-pattern.ts";
import { asUriText, compileRequestText, type TextOf } from "#traffic/filter/request-text.ts";
import { dropHopByHop } from "#traffic/forwarding/hop-by-hop.ts";
import type { Exchange } from "../exchange.ts";
import type { CallBackend } from "../stage/call-backend.ts";
import type { Handler } from "../stage/stage.ts";
import { compileCheck } from "./ask-over-grpc.ts";
import { readBounded } from "./bounded-body.ts";
import { seenHeaders } from "./seen-headers.ts";
import { tell, type Told, type Verdict } from "./verdict.ts";

type HttpServer = NonNullable<ExtAuth["http"]>;
type SignIn = NonNullable<HttpServer["signIn"]>;

/** Passes the request on, or answers it. Rejects with `auth_unavailable`. */
export type ExternalAuthorization = (exchange: Exchange, next: Handler) => Promise<Response>;

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

const maxBodyBytes = 64 * 1024;
/** A fetch can have these methods without a body. */
const plainMethods = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]);

/** Throws an error for a rule that is malformed. */
export function compileExternalAuthorization(
  policy: ExtAuth,
  fetch: Fetch,
  callBackend: CallBackend,
): ExternalAuthorization {
  const { http, grpc, failOpen, statusOnError: status, rules } = policy;
  const isAsked = rules && compileRequestRules(rules);
  const question = grpc
    ? compileCheck(grpc, policy, callBackend)
    : http && compileQuestion(http, policy, fetch);
  if (!question) throw new Error("extAuth names no server");
  const ask = async (exchange: Exchange): Promise<Verdict> => {
    try {
      return await question(exchange);
    } catch (error) {
      if (failOpen) return [];
      const reason = error instanceof Error ? error.message : String(error);
      throw new GatewayError("auth_unavailable", `authorization server: ${reason}`, {
        cause: error,
        ...(status !== undefined && { answer: { status } }),
      });
    }
  };
  const onError = http?.headersToClientOnError ?? grpc !== undefined;
  return async (exchange, next) => {
    const { chain, identity } = exchange;
    if (isAsked && !isAsked({ head: exchange, clientAddress: chain.clientAddress, identity }))
      return next(exchange);
    const verdict = await ask(exchange);
    if (verdict instanceof Response) return verdict;
    const response = await next(exchange);
    return verdict.length > 0 && (onError || response.status < 400) ? tell(response, verdict) : response;
  };
}

function compileQuestion(http: HttpServer, policy: ExtAuth, fetch: Fetch) {
  const { timeoutMs } = policy;
  const forwarded = compileForwarded(policy);
  const signInLocation = http.signIn && compileSignIn(http.signIn);
  return async (exchange: Exchange): Promise<Verdict> => {
    const response = await fetch(askedUrl(http, exchange), {
      method:
        http.method ?? (http.forwardPath && plainMethods.has(exchange.method) ? exchange.method : "GET"),
      headers: askedHeaders(forwarded, http.headersToAdd, exchange),
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status >= 500) {
      void response.body?.cancel().catch(() => undefined);
      throw new Error(`status ${response.status}`);
    }
    if (response.status === 401 && signInLocation) return signIn(signInLocation(exchange), response);
    if (!response.ok) return refusal(response, exchange.method);
    void response.body?.cancel().catch(() => undefined);
    tellEndpoint(http.headersToBackend, response, exchange);
    return fieldsOf(http.headersToClient ?? [], response);
  };
}

/** Each cookie is a field of its own. */
function fieldsOf(names: readonly string[], { headers }: Response): Told[] {
  return names.flatMap((name): Told[] => {
    if (name.toLowerCase() === "set-cookie") {
      return headers.getSetCookie().map((value) => ({ name, value, action: "Append" }));
    }
    const value = headers.get(name);
    return value === null ? [] : [{ name, value, action: "Append" }];
  });
}

function askedUrl({ url, forwardPath }: HttpServer, { path, query }: Exchange): string {
  if (!forwardPath) return url;
  const target = new URL(url);
  const base = target.pathname.replace(/\/$/, "");
  const search = [target.search.slice(1), query].filter((part) => part !== "").join("&");
  return `${target.origin}${base}${path}${search === "" ? "" : `?${search}`}`;
}

/** Of the request's headers, those that the server sees. */
interface Forwarded {
  readonly names: readonly string[];
  /** Besides those. Absent: no others. */
  readonly isWanted?: TextPattern;
}

function compileForwarded({ headersToExtAuth }: ExtAuth): Forwarded {
  const all = ["authorization", ...headersToExtAuth.map((name) => name.toLowerCase())];
  const patterns = all.filter((name) => name.includes("*"));
  return {
    names: all.filter((name) => !name.includes("*")),
    ...(patterns.length > 0 && { isWanted: compileTextPatterns(patterns) }),
  };
}

function askedHeaders(
  { names, isWanted }: Forwarded,
  added: HttpServer["headersToAdd"] = [],
  exchange: Exchange,
): Headers {
  const seen = seenHeaders(exchange);
  const { method, scheme, authority, path, query, chain } = exchange;
  const headers = new Headers();
  for (const name of names) {
    const value = seen.get(name);
    if (value !== null) headers.set(name, value);
  }
  if (isWanted) for (const [name, value] of withoutBody(seen)) if (isWanted(name)) headers.set(name, value);
  const target = query === "" ? path : `${path}?${query}`;
  headers.set("x-original-method", method);
  headers.set("x-original-url", `${scheme}://${authority}${target}`);
  headers.set("x-auth-request-redirect", target);
  headers.set("x-forwarded-method", method);
  headers.set("x-forwarded-proto", scheme);
  headers.set("x-forwarded-host", authority);
  headers.set("x-forwarded-uri", target);
  headers.set("x-forwarded-for", chain.clientAddress);
  headers.set("x-real-ip", chain.clientAddress);
  for (const { name, value } of added) headers.set(name, value);
  return headers;
}

/** All headers but those of this connection, of the body, which stays here, and of the gateway itself. */
function withoutBody(seen: Headers): Headers {
  dropHopByHop(seen);
  for (const name of ["host", "upgrade", "expect", "range"]) seen.delete(name);
  const kept = [...seen].filter(([name]) => !name.startsWith("content-") && !name.startsWith("isthmus-"));
  return new Headers(kept);
}

/** ingress-nginx `auth-signin`: with the URL that was asked for. */
function compileSignIn({ url = "", redirectParam = "rd", location }: SignIn): TextOf {
  if (location) {
    const textOf = compileRequestText(location);
    return (request) => asUriText(textOf(request));
  }
  const mark = url.includes("?") ? "&" : "?";
  return ({ scheme, authority, path, query }) => {
    const asked = `${scheme}://${authority}${path}${query === "" ? "" : `?${query}`}`;
    return `${url}${mark}${redirectParam}=${encodeURIComponent(asked)}`;
  };
}

/** With the cookies of the answer. */
function signIn(location: string, response: Response): Response {
  void response.body?.cancel().catch(() => undefined);
  const headers = new Headers({ location });
  for (const cookie of response.headers.getSetCookie()) headers.append("set-cookie", cookie);
  return new Response(null, { status: 302, headers });
}

/** What follows reads these as the request's own: a token may be among them. */
function tellEndpoint(names: readonly string[], response: Response, exchange: Exchange): void {
  for (const name of names) {
    const value = response.headers.get(name);
    if (value === null) continue;
    exchange.upstreamIdentity?.set(name, value);
    exchange.grant(name, value);
  }
}

async function refusal(response: Response, method: string): Promise<Response> {
  const headers = new Headers(response.headers);
  dropHopByHop(headers);
  // The body was decoded on the way in, and may be cut.
  headers.delete("content-encoding");
  headers.delete("content-length");
  const { bytes } = await readBounded(response.body, maxBodyBytes);
  const { status } = response;
  const hasBody = method !== "HEAD" && status !== 304 && bytes.length > 0;
  return new Response(hasBody ? bytes : null, { status, headers });
}
