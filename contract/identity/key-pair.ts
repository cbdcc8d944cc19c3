// ECDSA P-256 keys through WebCrypto, which Node and workerd share: made, written as PKCS #8 PEM, and read back.
import { decodePem, encodePem } from "./pem.ts";

// Neither runtime's types know the other's; what WebCrypto's own functions return exists in both.
export type CryptoKey = Awaited<ReturnType<typeof crypto.subtle.unwrapKey>>;
export interface CryptoKeyPair {
  publicKey: CryptoKey;
  privateKey: CryptoKey;
}

interface PublicJwk {
  kty: string;
  crv: string;
  x: string;
  y: string;
}

export const keyAlgorithm = { name: "ECDSA", namedCurve: "P-256" } as const;
export const signAlgorithm = { name: "ECDSA", hash: "SHA-256" } as const;

/** A new key pair. Extractable, so that its owner can write it to its own disk. */
export async function generateKeyPair(): Promise<CryptoKeyPair> {
  return (await crypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"])) as CryptoKeyPair;
}

/** PKCS #8, PEM, not encrypted. The caller writes it with mode 0600. */
export async function exportPrivateKeyPem(privateKey: CryptoKey): Promise<string> {
  return encodePem(
    "PRIVATE KEY",
    new Uint8Array((await crypto.subtle.exportKey("pkcs8", privateKey)) as ArrayBuffer),
  );
}

/** SubjectPublicKeyInfo, DER. */
export async function exportPublicKey(publicKey: CryptoKey): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array((await crypto.subtle.exportKey("spki", publicKey)) as ArrayBuffer);
}

/** Both halves from a PKCS #8 PEM. Throws `SyntaxError` where the text holds no P-256 private key. */
export async function importKeyPairPem(pem: string): Promise<CryptoKeyPair> {
  const [pkcs8] = decodePem("PRIVATE KEY", pem);
  if (!pkcs8) throw new SyntaxError("expected a PEM block -----BEGIN PRIVATE KEY----- (PKCS #8)");
  try {
    const privateKey = await crypto.subtle.importKey("pkcs8", pkcs8, keyAlgorithm, true, ["sign"]);
    // WebCrypto has no way from a private key to its public one but through JWK, where d is the private part.
    const { kty, crv, x, y } = (await crypto.subtle.exportKey("jwk", privateKey)) as PublicJwk;
    const publicJwk: PublicJwk = { kty, crv, x, y };
    const publicKey = await crypto.subtle.importKey("jwk", publicJwk, keyAlgorithm, true, ["verify"]);
    return { publicKey, privateKey };
  } catch (cause) {
    throw new SyntaxError("expected an ECDSA P-256 private key (PKCS #8)", { cause });
  }
}
