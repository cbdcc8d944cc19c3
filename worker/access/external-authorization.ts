// Another server's word on each request: Envoy Gateway's extAuth over HTTP, ingress-nginx's `auth-url`, Traefik's
// forwardAuth. 2xx lets the request pass, any other answer below 500 goes to the client, and what is no answer refuses.
import { GatewayError } from "#contract/error.ts";
import type { ExtAuth } from "#contract/external-authorization.ts";
import { compileRequestRules } from "#traffic/access/authorization.ts";
import { compileTextPatterns, type TextPattern } from "#traffic/access/text-pattern.ts";
import { asUriText, compileRequestText, type TextOf } from "#traffic/filter/request-text.ts";
import { isForged } from "#traffic/forwarding/forged-names.ts";
import { forwardingNames } from "#traffic/forwarding/forwarded.ts";
import { dropHopByHop } from "#traffic/forwarding/hop-by-hop.ts";
import type { Exchange } from "../exchange.ts";
import type { Handler } from "../stage/stage.ts";
import { readBounded } from "./bounded-body.ts";

type SignIn = NonNullable<ExtAuth["http"]["signIn"]>;

/** Passes the request on, or answers it. Rejects with `auth_unavailable`. */
export type ExternalAuthorization = (exchange: Exchange, next: Handler) => Promise<Response>;

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

const maxBodyBytes = 64 * 1024;
/** A fetch can have these methods without a body. */
const plainMethods = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]);

/** Throws an error for a rule that is malformed. */
export function compileExternalAuthorization(policy: ExtAuth, fetch: Fetch): ExternalAuthorization {
  const { http, failOpen, timeoutMs, rules } = policy;
  const isAsked = rules && compileRequestRules(rules);
  const forwarded = compileForwarded(policy);
  const signInLocation = http.signIn && compileSignIn(http.signIn);
  /** What the client gets besides its response; a `Response` in place of that. */
  const ask = async (exchange: Exchange): Promise<Response | readonly Field[]> => {
    try {
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
      if (!response.ok) return await refusal(response, exchange.method);
      void response.body?.cancel().catch(() => undefined);
      tellEndpoint(http.headersToBackend, response, exchange);
      return fieldsOf(http.headersToClient ?? [], response);
    } catch (error) {
      if (failOpen) return [];
      const reason = error instanceof Error ? error.message : String(error);
      throw new GatewayError("auth_unavailable", `authorization server: ${reason}`, { cause: error });
    }
  };
  return async (exchange, next) => {
    const { chain, identity } = exchange;
    if (isAsked && !isAsked({ head: exchange, clientAddress: chain.clientAddress, identity }))
      return next(exchange);
    const verdict = await ask(exchange);
    if (verdict instanceof Response) return verdict;
    const response = await next(exchange);
    const isTold = verdict.length > 0 && (response.status < 400 || http.headersToClientOnError === true);
    return isTold ? withFields(response, verdict) : response;
  };
}

type Field = readonly [name: string, value: string];

/** Each cookie is a field of its own. */
function fieldsOf(names: readonly string[], { headers }: Response): Field[] {
  return names.flatMap((name): Field[] => {
    if (name.toLowerCase() === "set-cookie") {
      return headers.getSetCookie().map((cookie) => [name, cookie]);
    }
    const value = headers.get(name);
    return value === null ? [] : [[name, value]];
  });
}

/** The headers of a fetched response are immutable. */
function withFields(response: Response, fields: readonly Field[]): Response {
  const told = new Response(response.body, response);
  for (const [name, value] of fields) told.headers.append(name, value);
  return told;
}

function askedUrl({ url, forwardPath }: ExtAuth["http"], { path, query }: Exchange): string {
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

/** Headers as the endpoint would see them, so that a client cannot pretend to have been authenticated. */
function askedHeaders(
  { names, isWanted }: Forwarded,
  added: ExtAuth["http"]["headersToAdd"] = [],
  exchange: Exchange,
): Headers {
  const seen = new Headers(exchange.request.headers);
  const { method, scheme, authority, path, query, chain } = exchange;
  dropForged(seen, chain);
  exchange.upstreamIdentity?.apply(seen);
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

/** The server hears who the client is from the gateway alone, or from a proxy in front of it that is trusted. */
function dropForged(seen: Headers, { trusted }: Exchange["chain"]): void {
  const forged = [...seen.keys()].filter(isForged);
  for (const name of [...forged, ...(trusted ? [] : forwardingNames)]) seen.delete(name);
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
