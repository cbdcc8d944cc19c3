// Proof of possession: the agent signs the hub's nonce, where it dialled and which certificate it holds, as an
// RFC 9421 signature base. A signature for one edge, path or connection is worth nothing for another.
import { IdentityError } from "./identity-error.ts";
import { type CryptoKey, signAlgorithm } from "./key-pair.ts";
import { encodeBase64Url } from "./pem.ts";

/** RFC 9421 §2.3 `tag`: keeps this signature apart from any other use of the same key. */
export const proofTag = "isthmus-tunnel";

export interface ProofInput {
  /** As the hub sent it, 16 to 64 bytes. */
  readonly nonce: Uint8Array;
  /** Host and port that the agent dialled, lower case, default port left out (RFC 9421 §2.2.3). */
  readonly authority: string;
  /** Path that the agent dialled, without query (RFC 9421 §2.2.6). */
  readonly path: string;
  /** Unix time in seconds. The verifier bounds its age. */
  readonly createdS: number;
  /** Serial of the certificate, lower-case hex without leading zeros. */
  readonly keyId: string;
}

/** RFC 9421 §2.5. Throws {@link IdentityError} `proof_invalid` for values that could make two inputs look alike. */
export function proofSignatureBase(input: ProofInput): Uint8Array<ArrayBuffer> {
  const { nonce, authority, path, createdS, keyId } = input;
  requireField("nonce", nonce.length >= 16 && nonce.length <= 64);
  requireField("authority", /^[a-z0-9._:[\]-]{1,261}$/.test(authority));
  requireField("path", /^\/[\x21-\x7e]{0,2047}$/.test(path));
  requireField("created", Number.isSafeInteger(createdS) && createdS >= 0);
  requireField("keyid", /^[0-9a-f]{1,42}$/.test(keyId));
  const parameters =
    `("@authority" "@path");created=${createdS};nonce="${encodeBase64Url(nonce)}"` +
    `;alg="ecdsa-p256-sha256";keyid="${keyId}";tag="${proofTag}"`;
  const base = `"@authority": ${authority}\n"@path": ${path}\n"@signature-params": ${parameters}`;
  return new TextEncoder().encode(base) as Uint8Array<ArrayBuffer>;
}

/** Signature with an ECDSA P-256 private key: 64 bytes, r || s (RFC 9421 §3.3.4). */
export async function signProof(key: CryptoKey, input: ProofInput): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.sign(signAlgorithm, key, proofSignatureBase(input)));
}

/** Resolves to whether the signature fits key and input; it never rejects. That the nonce is fresh is the caller's to know. */
export async function verifyProof(
  key: CryptoKey,
  signature: Uint8Array,
  input: ProofInput,
): Promise<boolean> {
  if (signature.length !== 64) return false;
  try {
    const base = proofSignatureBase(input);
    return await crypto.subtle.verify(signAlgorithm, key, Uint8Array.from(signature), base);
  } catch {
    return false;
  }
}

function requireField(name: string, holds: boolean): void {
  if (!holds) throw new IdentityError("proof_invalid", `the proof's ${name} is not well formed`);
}
