// Basic authentication (RFC 7617). Checking a password is slow on purpose, so what was verified is remembered, and
// strangers can make the isolate check only so many.
import { GatewayError } from "#contract/error.ts";
import { parsePasswordHash, type PasswordHash } from "#contract/password-hash.ts";
import type { Limit } from "#contract/rate-limit.ts";
import type { BasicAuth } from "#contract/security-policy.ts";
import { type BasicCredentials, parseBasicCredentials } from "#traffic/access/basic-credentials.ts";
import { isHeaderText } from "#traffic/access/upstream-identity.ts";
import { priceOf, verifyPassword } from "#traffic/access/verify-password.ts";
import { type GcraState, spendGcra } from "#traffic/limit/gcra.ts";
import type { Authenticator } from "./authenticator.ts";
import { BoundedMap } from "./bounded-map.ts";
import { unauthorized } from "./refusal.ts";

/** Verified credentials that are remembered, per policy; they end with the snapshot. */
const rememberedCredentials = 1_000;
/** Milliseconds of a core that checks of unknown passwords may take, per policy and isolate. */
const slowChecks: Limit = { algorithm: "TokenBucket", requests: 400, windowMs: 1_000, burst: 800 };

/** Throws an error for a malformed hash. */
export function compileBasicAuth(policy: BasicAuth, nowMs: () => number): Authenticator {
  const { realm, forwardUsernameHeader } = policy;
  // RFC 7617 §2.1: the browser shall send UTF-8.
  const challenge = `Basic realm="${realm}", charset="UTF-8"`;
  const check = compilePasswordCheck(policy.users.map(parsePasswordHash), nowMs);
  return async (exchange, upstream) => {
    const authorization = exchange.header("authorization");
    if (authorization === null) throw unauthorized(challenge, "no credentials");
    const credentials = parseBasicCredentials(authorization);
    if (!credentials) throw unauthorized(challenge, "malformed credentials");
    if (!(await check(credentials))) throw unauthorized(challenge, "wrong user name or password");
    const { user } = credentials;
    if (forwardUsernameHeader !== undefined && isHeaderText(user)) upstream.set(forwardUsernameHeader, user);
    return { user };
  };
}

function compilePasswordCheck(
  hashes: readonly PasswordHash[],
  nowMs: () => number,
): (credentials: BasicCredentials) => Promise<boolean> {
  const users = new Map(hashes.map((hash) => [hash.user, hash]));
  // A name that does not exist takes as long as one that does.
  const decoy = hashes[0];
  const verified = new BoundedMap<string, true>(rememberedCredentials);
  let spent: GcraState | undefined;
  return async ({ user, password }) => {
    const stored = users.get(user) ?? decoy;
    if (!stored) return false;
    // As a digest: passwords do not stay in memory.
    const priceMs = priceOf(stored);
    const key = priceMs === 0 ? undefined : await digestText(`${user}:${password}`);
    if (key !== undefined) {
      if (verified.get(key)) return true;
      const verdict = spendGcra(slowChecks, spent, priceMs, nowMs());
      spent = verdict.state;
      if (!verdict.allowed) throw tooManyChecks();
    }
    const matches = await verifyPassword(stored, password);
    if (!matches || stored.user !== user) return false;
    if (key !== undefined) verified.set(key, true);
    return true;
  };
}

function tooManyChecks(): GatewayError {
  return new GatewayError("auth_unavailable", "too many passwords to check", {
    answer: { headers: { "retry-after": "1" } },
  });
}

async function digestText(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return String.fromCharCode(...new Uint8Array(digest));
}
