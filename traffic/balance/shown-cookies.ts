// What endpoints see of the client's cookies where one of those binds it to an endpoint.
import type { SessionPersistence } from "#contract/backend-policy.ts";
import { cookiePolicyOf, forwardedCookies } from "./endpoint-cookie.ts";
import { withoutCookie } from "./session-cookie.ts";

/** A `Cookie` header as endpoints see it; `null`: there is none left. */
export type ShownCookies = (header: string) => string | null;

/** `undefined`: as it came. */
export function compileShownCookies(session: SessionPersistence): ShownCookies | undefined {
  const { type, sessionName, cookieConfig } = session;
  if (type !== "Cookie") return undefined;
  const { endpointCookie, indirect } = cookieConfig;
  if (!endpointCookie) return indirect ? (header) => withoutCookie(header, sessionName) : undefined;
  const policy = cookiePolicyOf(session, endpointCookie);
  return (header) => forwardedCookies(header, policy);
}
