// Verifies a password against its hash (contract/password-hash.ts) with WebCrypto.
import type { PasswordHash } from "#contract/password-hash.ts";
import { equalBytes } from "./constant-time.ts";

/** A PBKDF2 hash costs tens of milliseconds, by design; SHA-1 some microseconds. */
export async function verifyPassword(stored: PasswordHash, password: string): Promise<boolean> {
  return equalBytes(
    await hashPassword(stored, Uint8Array.from(new TextEncoder().encode(password))),
    stored.hash,
  );
}

async function hashPassword(stored: PasswordHash, password: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  if (stored.type === "sha1") return new Uint8Array(await crypto.subtle.digest("SHA-1", password));
  const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
  const { salt, rounds } = stored;
  const derivation = { name: "PBKDF2", hash: "SHA-256", salt, iterations: rounds };
  return new Uint8Array(await crypto.subtle.deriveBits(derivation, key, stored.hash.length * 8));
}
