// Public keys of a token issuer (RFC 7517), as `jose` takes them.
import { createLocalJWKSet, type JWK } from "jose";

/** Finds the key that a token's header names; rejects with jose's errors. */
export type KeySet = ReturnType<typeof createLocalJWKSet>;

const maxKeys = 64;
const publicMembers = ["kid", "alg", "use", "key_ops", "n", "e", "crv", "x", "y"] as const;

/**
 * Only keys for signatures with public keys count: a symmetric one (`oct`) would let everyone who can read the set sign,
 * and private members have no use here. Throws an error when `value` is no key set.
 */
export function createKeySet(value: unknown): KeySet {
  const keys = (value as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(keys)) throw new Error("not a JSON Web Key Set");
  return createLocalJWKSet({ keys: keys.slice(0, maxKeys).flatMap(publicKey) });
}

function publicKey(value: unknown): JWK[] {
  if (value === null || typeof value !== "object") return [];
  const key = value as Record<string, unknown>;
  const { kty } = key;
  if (kty !== "RSA" && kty !== "EC" && kty !== "OKP") return [];
  const members = publicMembers.filter((name) => key[name] !== undefined).map((name) => [name, key[name]]);
  return [{ kty, ...Object.fromEntries(members) } as JWK];
}
