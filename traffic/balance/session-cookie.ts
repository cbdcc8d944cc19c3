// The Set-Cookie of a persistent session (RFC 6265 §4.1, Gateway API GEP-1619).
import type { SessionPersistence } from "#contract/backend-policy.ts";

/** `secure`: the request came over TLS. `path`: the route's prefix, so that other routes do not see the cookie. */
export function sessionCookie(
  policy: SessionPersistence,
  token: string,
  request: { readonly secure: boolean; readonly path: string },
): string {
  const {
    lifetimeType,
    path = request.path,
    domain,
    sameSite = "Lax",
    secure = request.secure,
  } = policy.cookieConfig;
  const parts = [`${policy.sessionName}=${token}`, `Path=${path}`, "HttpOnly", `SameSite=${sameSite}`];
  if (domain !== undefined) parts.push(`Domain=${domain}`);
  if (secure) parts.push("Secure");
  // A cookie without Max-Age ends with the browser's session: `lifetimeType: Session`.
  if (lifetimeType === "Permanent" && policy.absoluteTimeoutMs !== undefined) {
    parts.push(`Max-Age=${Math.ceil(policy.absoluteTimeoutMs / 1_000)}`);
  }
  return parts.join("; ");
}

/** Value of one cookie of a `Cookie` header, or undefined. The first of several counts, as browsers send the most specific first. */
export function cookieValue(header: string | null, name: string): string | undefined {
  if (header === null) return undefined;
  for (const pair of header.split(";")) {
    const equals = pair.indexOf("=");
    if (equals >= 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return undefined;
}

/** A `Cookie` header without the cookies of one name; `null`: there are no others. */
export function withoutCookie(header: string, name: string): string | null {
  const kept = header
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair !== "" && pair.split("=", 1)[0]!.trim() !== name);
  return kept.length > 0 ? kept.join("; ") : null;
}
