// What a client is known by, for sticky splits and consistent hashing; gives the cookie where the configuration wants it.
import { compileKeySource, type KeyPolicy } from "#traffic/balance/key-source.ts";
import type { Exchange } from "../exchange.ts";
import type { BackendScope, Stage } from "./stage.ts";

/** `undefined`: the request does not have it. */
export function clientKeyOf(source: KeyPolicy): (exchange: Exchange) => string | undefined {
  const keyOf = compileKeySource(source);
  const { type, cookie } = source;
  if (type !== "Cookie" || cookie?.ttlMs === undefined) return keyOf;
  const { name, ttlMs } = cookie;
  return (exchange) => keyOf(exchange) ?? giveCookie(exchange, name, ttlMs);
}

/** A random value; the same one for whoever asks again under the name. */
function giveCookie(exchange: Exchange, name: string, ttlMs: number): string {
  const given = (exchange.givenCookies ??= new Map());
  const before = given.get(name);
  if (before) return before.value;
  const value = crypto.randomUUID();
  const attributes = ["Path=/", `Max-Age=${Math.ceil(ttlMs / 1_000)}`, "HttpOnly", "SameSite=Lax"];
  if (exchange.scheme === "https") attributes.push("Secure");
  given.set(name, { value, field: [`${name}=${value}`, ...attributes].join("; ") });
  return value;
}

/** Backend stage: hands out the cookies that were given on the way. */
export const giveCookies: Stage<BackendScope> = ({ rule, backend }, next) => {
  const sources = [rule.stickySplit, backend.backend.loadBalancer.consistentHash];
  if (sources.every((source) => source?.cookie?.ttlMs === undefined)) return next;
  return async (exchange) => {
    const response = await next(exchange);
    if (!exchange.givenCookies) return response;
    const told = new Response(response.body, response);
    for (const { field } of exchange.givenCookies.values()) told.headers.append("set-cookie", field);
    return told;
  };
};
