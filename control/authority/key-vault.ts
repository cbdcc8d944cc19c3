// The certificate authority's private key at rest: AES-256-GCM under a key that HKDF derives from a secret binding.
// The database alone, or the secret alone, signs nothing.
import { type CryptoKey, keyAlgorithm } from "#contract/identity/key-pair.ts";
import { Refusal } from "../refusal.ts";

/** Shorter secrets could be guessed offline by whoever has the database. */
const minSecretChars = 16;
const saltBytes = 16;
const nonceBytes = 12;

/** salt || nonce || ciphertext; made and read only here. */
export type SealedKey = Uint8Array;

/** `random`: 28 bytes. `rootId` is authenticated with it, so a sealed key cannot be moved to another root. */
export async function sealKey(
  privateKey: CryptoKey,
  rootId: string,
  secret: string | undefined,
  random: Uint8Array,
): Promise<SealedKey> {
  const salt = random.slice(0, saltBytes);
  const iv = random.slice(saltBytes, saltBytes + nonceBytes);
  const pkcs8 = (await crypto.subtle.exportKey("pkcs8", privateKey)) as ArrayBuffer;
  const key = await wrappingKey(secret, salt);
  const sealed = await crypto.subtle.encrypt(gcm(iv, rootId), key, pkcs8);
  return Uint8Array.from([...salt, ...iv, ...new Uint8Array(sealed)]);
}

/** The signing key, not extractable. Throws {@link Refusal} `ca_key_secret_missing` or `ca_key_secret_wrong`. */
export async function openKey(
  sealed: SealedKey,
  rootId: string,
  secret: string | undefined,
): Promise<CryptoKey> {
  const key = await wrappingKey(secret, sealed.slice(0, saltBytes));
  const iv = sealed.slice(saltBytes, saltBytes + nonceBytes);
  let pkcs8: ArrayBuffer;
  try {
    pkcs8 = await crypto.subtle.decrypt(gcm(iv, rootId), key, sealed.slice(saltBytes + nonceBytes));
  } catch {
    throw new Refusal("ca_key_secret_wrong", "CA_KEY_SECRET does not open the certificate authority's key.", {
      remedy: "Set CA_KEY_SECRET to the value that it had when the authority was created.",
    });
  }
  return crypto.subtle.importKey("pkcs8", pkcs8, keyAlgorithm, false, ["sign"]);
}

async function wrappingKey(secret: string | undefined, salt: Uint8Array): Promise<CryptoKey> {
  // workerd binds null for an environment variable that is not set.
  if ((secret ?? "").length < minSecretChars) {
    throw new Refusal(
      "ca_key_secret_missing",
      `The certificate authority needs the secret CA_KEY_SECRET, at least ${minSecretChars} characters.`,
      { remedy: "wrangler secret put CA_KEY_SECRET -c control/wrangler.toml" },
    );
  }
  const material = await crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode(secret ?? ""),
    "HKDF",
    false,
    ["deriveKey"],
  );
  const info = new TextEncoder().encode("isthmus certificate authority key v1");
  return crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt, info },
    material,
    { name: "AES-GCM", length: 256 },
    false,
    ["encrypt", "decrypt"],
  );
}

function gcm(iv: Uint8Array, rootId: string): { name: string; iv: Uint8Array; additionalData: Uint8Array } {
  return { name: "AES-GCM", iv, additionalData: new TextEncoder().encode(rootId) };
}
