// What a way of authentication is: it reads a request's credentials and says what they prove.
import type { Identity } from "#traffic/access/identity.ts";
import type { UpstreamIdentity } from "#traffic/access/upstream-identity.ts";
import type { Exchange } from "../exchange.ts";

/**
 * Rejects with `unauthorized` (no or wrong credentials) or `auth_unavailable` (they cannot be checked at present). What
 * the endpoint is to be told goes to `upstream`.
 */
export type Authenticator = (exchange: Exchange, upstream: UpstreamIdentity) => Promise<Partial<Identity>>;
