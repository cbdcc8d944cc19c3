// Verifies a password against its hash (contract/password-hash.ts): with WebCrypto, and in JavaScript what that does not have.
import { compareSync } from "bcrypt-ts/browser";
import type { PasswordHash } from "#contract/password-hash.ts";
import { apr1 } from "./apr1.ts";
import { equalBytes } from "./constant-time.ts";

const encoder = new TextEncoder();

export async function verifyPassword(stored: PasswordHash, password: string): Promise<boolean> {
  const bytes = Uint8Array.from(encoder.encode(password));
  switch (stored.type) {
    case "sha1": {
      const salted = Uint8Array.from([...bytes, ...stored.salt]);
      return equalBytes(new Uint8Array(await crypto.subtle.digest("SHA-1", salted)), stored.hash);
    }
    case "apr1":
      return equalBytes(encoder.encode(apr1(bytes, stored.salt)), encoder.encode(stored.hash));
    case "bcrypt":
      return compareSync(password, stored.hash);
    case "pbkdf2-sha256": {
      const key = await crypto.subtle.importKey("raw", bytes, "PBKDF2", false, ["deriveBits"]);
      const { salt, rounds, hash } = stored;
      const derivation = { name: "PBKDF2", hash: "SHA-256", salt, iterations: rounds };
      return equalBytes(
        new Uint8Array(await crypto.subtle.deriveBits(derivation, key, hash.length * 8)),
        hash,
      );
    }
  }
}

/** Processor time of one check, in ms, on one core of 2026; SHA-1 takes microseconds. */
export function priceOf(stored: PasswordHash): number {
  switch (stored.type) {
    case "sha1":
      return 0;
    case "apr1":
      return 3;
    case "bcrypt":
      return 72 / 2 ** (10 - stored.cost);
    case "pbkdf2-sha256":
      return 40;
  }
}
