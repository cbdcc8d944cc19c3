// X.509 signatures with WebCrypto: which algorithms count, and the two encodings of an ECDSA signature.
import { AsnConvert } from "@peculiar/asn1-schema";
import { SubjectPublicKeyInfo } from "@peculiar/asn1-x509";
import { encodeHex } from "./pem.ts";
import { type CryptoKey, signAlgorithm } from "./key-pair.ts";

/** ecdsa-with-SHA256, RFC 5758 §3.2: the only algorithm that we sign with. */
export const ecdsaWithSha256Oid = "1.2.840.10045.4.3.2";

// Issuers may be of an existing PKI, so RSA and P-384 are verified too. No SHA-1, no MD5.
const signatureAlgorithms: Record<string, { name: "ECDSA" | "RSASSA-PKCS1-v1_5"; hash: string }> = {
  [ecdsaWithSha256Oid]: { name: "ECDSA", hash: "SHA-256" },
  "1.2.840.10045.4.3.3": { name: "ECDSA", hash: "SHA-384" },
  "1.2.840.10045.4.3.4": { name: "ECDSA", hash: "SHA-512" },
  "1.2.840.113549.1.1.11": { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  "1.2.840.113549.1.1.12": { name: "RSASSA-PKCS1-v1_5", hash: "SHA-384" },
  "1.2.840.113549.1.1.13": { name: "RSASSA-PKCS1-v1_5", hash: "SHA-512" },
};

// DER of the OBJECT IDENTIFIERs in an EC key's parameters (RFC 5480 §2.1.1.1).
const curves: Record<string, { namedCurve: "P-256" | "P-384"; scalarBytes: number }> = {
  "06082a8648ce3d030107": { namedCurve: "P-256", scalarBytes: 32 },
  "06052b81040022": { namedCurve: "P-384", scalarBytes: 48 },
};
const minRsaBits = 2048;

/**
 * Whether `signature` (as X.509 writes it) over `data` was made with the key of `spki` (SubjectPublicKeyInfo, DER).
 * False, too, for algorithms outside the table, keys that do not fit them, and RSA keys under 2048 bits.
 */
export async function verifyX509Signature(
  algorithmOid: string,
  spki: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
  data: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  const algorithm = signatureAlgorithms[algorithmOid];
  if (!algorithm) return false;
  try {
    if (algorithm.name === "ECDSA") {
      const curve = curveOf(spki);
      if (!curve) return false;
      const key = await crypto.subtle.importKey("spki", spki, { name: "ECDSA", ...curve }, false, ["verify"]);
      return await crypto.subtle.verify(algorithm, key, ecdsaFromDer(signature, curve.scalarBytes), data);
    }
    const key = await crypto.subtle.importKey("spki", spki, algorithm, false, ["verify"]);
    if ((key.algorithm as unknown as { modulusLength: number }).modulusLength < minRsaBits) return false;
    return await crypto.subtle.verify(algorithm.name, key, signature, data);
  } catch {
    // A key or signature that does not decode verifies nothing.
    return false;
  }
}

/** An X.509 signature with a P-256 key. */
export async function signX509(
  privateKey: CryptoKey,
  data: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  return ecdsaToDer(new Uint8Array(await crypto.subtle.sign(signAlgorithm, privateKey, data)));
}

/** The curve of an EC key, or `undefined` for other keys and curves. Throws on malformed DER. */
export function curveOf(spki: Uint8Array): (typeof curves)[string] | undefined {
  const { algorithm } = AsnConvert.parse(spki, SubjectPublicKeyInfo);
  if (algorithm.algorithm !== "1.2.840.10045.2.1" || !algorithm.parameters) return undefined;
  return curves[encodeHex(new Uint8Array(algorithm.parameters))];
}

/** Ecdsa-Sig-Value (RFC 3279 §2.2.3) to WebCrypto's r || s. Throws `RangeError` on anything but DER. */
export function ecdsaFromDer(der: Uint8Array, scalarBytes: number): Uint8Array<ArrayBuffer> {
  const raw = new Uint8Array(2 * scalarBytes);
  // P-384's longest signature is 104 bytes, so every length fits one octet.
  if (der[0] !== 0x30 || der[1] !== der.length - 2 || der.length > 2 + 0x7f) throw malformedSignature();
  let offset = 2;
  for (const end of [scalarBytes, 2 * scalarBytes]) {
    const length = der[offset + 1] ?? 0;
    const integer = der.subarray(offset + 2, offset + 2 + length);
    if (der[offset] !== 0x02 || length === 0 || integer.length !== length) throw malformedSignature();
    const padded = integer[0] === 0;
    if ((integer[0]! & 0x80) !== 0) throw malformedSignature();
    if (padded && (integer.length === 1 || (integer[1]! & 0x80) === 0)) throw malformedSignature();
    const magnitude = padded ? integer.subarray(1) : integer;
    if (magnitude.length > scalarBytes) throw malformedSignature();
    raw.set(magnitude, end - magnitude.length);
    offset += 2 + length;
  }
  if (offset !== der.length) throw malformedSignature();
  return raw;
}

function ecdsaToDer(raw: Uint8Array): Uint8Array<ArrayBuffer> {
  const half = raw.length / 2;
  const body = [...derInteger(raw.subarray(0, half)), ...derInteger(raw.subarray(half))];
  return Uint8Array.from([0x30, body.length, ...body]);
}

function derInteger(magnitude: Uint8Array): number[] {
  let start = 0;
  while (start < magnitude.length - 1 && magnitude[start] === 0) start += 1;
  const bytes = Array.from(magnitude.subarray(start));
  if (bytes[0]! >= 0x80) bytes.unshift(0);
  return [0x02, bytes.length, ...bytes];
}

function malformedSignature(): RangeError {
  return new RangeError("not a DER Ecdsa-Sig-Value");
}
