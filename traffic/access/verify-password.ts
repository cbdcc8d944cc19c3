// Verifies a password against its hash (contract/password-hash.ts): with WebCrypto, and in JavaScript what that does not have.
import { compareSync } from "bcrypt-ts/browser";
import type { PasswordHash } from "#contract/password-hash.ts";
import { equalBytes } from "./constant-time.ts";
import { md5Crypt } from "./md5-crypt.ts";
import { shaCrypt } from "./sha-crypt.ts";

const encoder = new TextEncoder();

/** Rounds of crypt take each byte of a password, which htpasswd bounds at 255 and strangers do not. */
const maxCryptBytes = 256;

export async function verifyPassword(stored: PasswordHash, password: string): Promise<boolean> {
  const bytes = Uint8Array.from(encoder.encode(password));
  switch (stored.type) {
    case "sha1": {
      const salted = Uint8Array.from([...bytes, ...stored.salt]);
      return equalBytes(new Uint8Array(await crypto.subtle.digest("SHA-1", salted)), stored.hash);
    }
    case "md5-crypt":
      return (
        bytes.length <= maxCryptBytes && equalText(md5Crypt(bytes, stored.prefix, stored.salt), stored.hash)
      );
    case "sha-crypt":
      return bytes.length <= maxCryptBytes && equalText(shaCrypt(bytes, stored.bits, stored), stored.hash);
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

const equalText = (left: string, right: string): boolean =>
  equalBytes(encoder.encode(left), encoder.encode(right));

/** Processor time of one check, in ms, on one core of 2026; SHA-1 takes microseconds. */
export function priceOf(stored: PasswordHash): number {
  switch (stored.type) {
    case "sha1":
      return 0;
    case "md5-crypt":
      return 3;
    case "sha-crypt":
      return 30 * (stored.rounds / 5_000);
    case "bcrypt":
      return 72 / 2 ** (10 - stored.cost);
    case "pbkdf2-sha256":
      return 40;
  }
}
