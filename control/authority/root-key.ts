// Roots of the certificate authority: making one, choosing which signs, and the open signing key.
import { parseCertificate } from "#contract/identity/certificate-fields.ts";
import { exportPublicKey, generateKeyPair } from "#contract/identity/key-pair.ts";
import { decodePem, encodeHex, encodePem } from "#contract/identity/pem.ts";
import {
  type CertificateIssuer,
  serialFromRandom,
  signCertificate,
} from "#contract/identity/sign-certificate.ts";
import type { RootRow } from "./authority-tables.ts";
import { rootTemplate } from "./certificate-policy.ts";
import { openKey, sealKey } from "./key-vault.ts";

/** A new root with a key of its own. `random`: 44 bytes. */
export async function createRoot(
  trustDomain: string,
  secret: string | undefined,
  random: Uint8Array,
  signsFromMs: number,
  nowMs: number,
): Promise<RootRow> {
  const serial = serialFromRandom(random.subarray(0, 16));
  const id = encodeHex(serial);
  const keyPair = await generateKeyPair();
  const sealedKey = await sealKey(keyPair.privateKey, id, secret, random.subarray(16, 44));
  const spki = await exportPublicKey(keyPair.publicKey);
  const name = rootName(trustDomain, id);
  const template = rootTemplate({ serial, spki }, name, nowMs);
  const der = await signCertificate(template, { commonName: name, spki, privateKey: keyPair.privateKey });
  return {
    id,
    pem: encodePem("CERTIFICATE", der),
    sealedKey,
    notAfterMs: template.notAfterMs,
    signsFromMs,
  };
}

/** The newest root whose time has come. `roots`: oldest first. */
export function signingRoot(roots: readonly RootRow[], nowMs: number): RootRow | undefined {
  return roots.findLast((root) => root.signsFromMs <= nowMs) ?? roots[0];
}

export async function openRoot(
  root: RootRow,
  trustDomain: string,
  secret: string | undefined,
): Promise<CertificateIssuer> {
  const { spki } = parseCertificate(decodePem("CERTIFICATE", root.pem)[0]!);
  return {
    commonName: rootName(trustDomain, root.id),
    spki,
    privateKey: await openKey(root.sealedKey, root.id, secret),
  };
}

/** The id keeps the names of overlapping roots apart, as path building in OpenSSL prefers. At most 64 characters (RFC 5280 ub-common-name). */
function rootName(trustDomain: string, id: string): string {
  return `isthmus ${trustDomain.slice(0, 40)} ${id.slice(0, 12)}`;
}
