// Roots of the certificate authority: making one or taking one over, choosing which signs, and the open signing key.
import { type CertificateFields, parseCertificate } from "#contract/identity/certificate-fields.ts";
import { exportPublicKey, generateKeyPair } from "#contract/identity/key-pair.ts";
import { decodePem, encodeHex, encodePem } from "#contract/identity/pem.ts";
import {
  type CertificateIssuer,
  serialFromRandom,
  signCertificate,
} from "#contract/identity/sign-certificate.ts";
import type { RootRow } from "./authority-tables.ts";
import type { ImportedAuthority } from "./imported-authority.ts";
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

export async function openRoot(root: RootRow, secret: string | undefined): Promise<CertificateIssuer> {
  return {
    certificate: issuingCertificate(root),
    privateKey: await openKey(root.sealedKey, root.id, secret),
  };
}

/** An authority of the operator's own as a row. `random`: 28 bytes. */
export async function importedRoot(
  authority: ImportedAuthority,
  secret: string | undefined,
  random: Uint8Array,
  signsFromMs: number,
): Promise<RootRow> {
  const { id, root, intermediates, privateKey, notAfterMs } = authority;
  return {
    id,
    pem: encodePem("CERTIFICATE", root.der),
    sealedKey: await sealKey(privateKey, id, secret, random),
    notAfterMs,
    signsFromMs,
    intermediatesPem: intermediates.map(({ der }) => encodePem("CERTIFICATE", der)).join(""),
  };
}

/** As `Trust.signer` names it. */
export function keyIdentifierOf(root: RootRow): string {
  return issuingCertificate(root).subjectKeyIdentifier ?? "";
}

/** What is trusted, each once: several authorities may descend from one root. */
export function rootsPem(roots: readonly RootRow[]): string[] {
  return [...new Set(roots.map(({ pem }) => pem))];
}

function issuingCertificate({ pem, intermediatesPem = "" }: RootRow): CertificateFields {
  const [first] = decodePem("CERTIFICATE", intermediatesPem + pem);
  return parseCertificate(first!);
}

/** The id keeps the names of overlapping roots apart, as path building in OpenSSL prefers. At most 64 characters (RFC 5280 ub-common-name). */
function rootName(trustDomain: string, id: string): string {
  return `isthmus ${trustDomain.slice(0, 40)} ${id.slice(0, 12)}`;
}
