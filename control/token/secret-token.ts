// Bearer secrets: 256 random bits behind a readable prefix and an id. Only SHA-256 hashes of them are ever stored,
// which needs no salt or stretching because the secret is random.
import { encodeBase64Url, encodeHex } from "#contract/identity/pem.ts";

/** `istk`: admin API. `istj`: one-time join. The prefix lets people and secret scanners tell what they found. */
export type TokenPrefix = "istk" | "istj";

export interface SecretToken {
  readonly id: string;
  readonly token: string;
}

const tokenPattern = /^(istk|istj)_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/;

/** `random`: 40 bytes, 8 for the id and 32 for the secret. */
export function secretTokenFrom(prefix: TokenPrefix, random: Uint8Array): SecretToken {
  const id = encodeHex(random.subarray(0, 8));
  return { id, token: `${prefix}_${id}_${encodeBase64Url(random.subarray(8, 40))}` };
}

/** The id under which a well-formed token is looked up; says nothing about whether it is valid. */
export function secretTokenId(prefix: TokenPrefix, token: string): string | undefined {
  const match = tokenPattern.exec(token);
  return match?.[1] === prefix ? match[2] : undefined;
}

export async function secretHash(token: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token)));
}

/** Compares two hashes in constant time. */
export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && crypto.subtle.timingSafeEqual(a, b);
}
