// An authority of the operator's own: checks that what is brought can sign certificates that everyone will verify. Pure.
import { KeyUsageFlags, anyExtendedKeyUsage, id_kp_clientAuth, id_kp_serverAuth } from "@peculiar/asn1-x509";
import { type CertificateFields, parseCertificate } from "#contract/identity/certificate-fields.ts";
import { maxChainCertificates } from "#contract/identity/certificate.ts";
import { type CryptoKey, exportPublicKey, importKeyPairPem } from "#contract/identity/key-pair.ts";
import { decodePem, encodeHex } from "#contract/identity/pem.ts";
import { verifyX509Signature } from "#contract/identity/x509-signature.ts";
import { Refusal } from "../refusal.ts";

export interface ImportedAuthority {
  /** By its issuing certificate, so that the same one is known again. */
  readonly id: string;
  /** Sent along with each leaf: the issuing certificate and those above it, without the root. Empty: the root signs. */
  readonly intermediates: readonly CertificateFields[];
  readonly root: CertificateFields;
  /** Extractable, to be sealed. */
  readonly privateKey: CryptoKey;
  /** When the first of its certificates ends. */
  readonly notAfterMs: number;
}

/**
 * `certificatesPem`: the issuing certificate first, then each one's issuer, up to the root. Throws {@link Refusal}
 * `authority_invalid` that names the certificate by its place. `leafTtlMs`: the authority has to outlive its leaves.
 */
export async function readAuthority(
  { certificatesPem, privateKeyPem }: { readonly certificatesPem: string; readonly privateKeyPem: string },
  leafTtlMs: number,
  nowMs: number,
): Promise<ImportedAuthority> {
  const chain = parseChain(certificatesPem);
  for (const [index, certificate] of chain.entries()) {
    const what = placeOf(index, chain.length);
    requireAuthority(certificate, what, index);
    requireLifetime(certificate, what, leafTtlMs, nowMs);
    await requireIssuer(chain[index + 1] ?? certificate, certificate, what, index === chain.length - 1);
  }
  const issuing = chain[0]!;
  const digest = await crypto.subtle.digest("SHA-256", issuing.der);
  return {
    id: encodeHex(new Uint8Array(digest).subarray(0, 16)),
    intermediates: chain.slice(0, -1),
    root: chain.at(-1)!,
    privateKey: await matchingKey(privateKeyPem, issuing),
    notAfterMs: Math.min(...chain.map(({ notAfterMs }) => notAfterMs)),
  };
}

function parseChain(pem: string): CertificateFields[] {
  let chain: CertificateFields[];
  try {
    chain = decodePem("CERTIFICATE", pem).map(parseCertificate);
  } catch (error) {
    throw invalid((error as Error).message);
  }
  if (chain.length === 0) throw invalid("there is no PEM certificate");
  // A leaf and the intermediates, without the root, are what a peer may send.
  if (chain.length > maxChainCertificates) {
    throw invalid(`there are ${chain.length} certificates; at most ${maxChainCertificates} fit above a leaf`);
  }
  return chain;
}

const placeOf = (index: number, length: number): string =>
  index === length - 1
    ? "the root (last certificate)"
    : index === 0
      ? "the issuing certificate (first)"
      : `certificate ${index + 1}`;

/** `below`: certificates of authorities between this one and the leaf. */
function requireAuthority(certificate: CertificateFields, what: string, below: number): void {
  const { isCa, pathLength, keyUsage, extendedKeyUsage, subjectKeyIdentifier } = certificate;
  if (!isCa) throw invalid(`${what} is not of a certificate authority (basicConstraints)`);
  if (keyUsage !== undefined && (keyUsage & KeyUsageFlags.keyCertSign) === 0) {
    throw invalid(`${what} may not sign certificates (keyUsage)`);
  }
  if (pathLength !== undefined && pathLength < below) {
    throw invalid(
      `${what} allows ${pathLength} authorities below it, and there are ${below} (pathLenConstraint)`,
    );
  }
  const missing = [id_kp_clientAuth, id_kp_serverAuth].some((oid) => !extendedKeyUsage?.includes(oid));
  if (extendedKeyUsage && missing && !extendedKeyUsage.includes(anyExtendedKeyUsage)) {
    throw invalid(`${what} is not for both clients and servers (extendedKeyUsage)`);
  }
  if (subjectKeyIdentifier === undefined) {
    throw invalid(`${what} has no subjectKeyIdentifier (RFC 5280 §4.2.1.2)`);
  }
}

function requireLifetime(
  { notBeforeMs, notAfterMs }: CertificateFields,
  what: string,
  leafTtlMs: number,
  nowMs: number,
): void {
  if (nowMs < notBeforeMs) throw invalid(`${what} is not valid before ${isoTime(notBeforeMs)}`);
  if (nowMs > notAfterMs) throw invalid(`${what} expired at ${isoTime(notAfterMs)}`);
  if (nowMs + leafTtlMs > notAfterMs) {
    throw invalid(`${what} ends at ${isoTime(notAfterMs)}, before a certificate that it would issue now`);
  }
}

async function requireIssuer(
  issuer: CertificateFields,
  subject: CertificateFields,
  what: string,
  isLast: boolean,
): Promise<void> {
  const named = issuer.subjectName === subject.issuerName;
  const { signatureOid, signature, tbs } = subject;
  if (named && (await verifyX509Signature(signatureOid, issuer.spki, signature, tbs))) return;
  throw invalid(
    isLast ? `${what} did not sign itself` : `${what} was not issued by the certificate that follows it`,
    isLast ? "Append the certificates up to the root: roots are what is trusted." : undefined,
  );
}

async function matchingKey(privateKeyPem: string, issuing: CertificateFields): Promise<CryptoKey> {
  let pair: Awaited<ReturnType<typeof importKeyPairPem>>;
  try {
    pair = await importKeyPairPem(privateKeyPem);
  } catch (error) {
    throw invalid(`the key cannot be used: ${(error as Error).message}`);
  }
  if (encodeHex(await exportPublicKey(pair.publicKey)) !== encodeHex(issuing.spki)) {
    throw invalid("the key is not that of the issuing certificate (first)");
  }
  return pair.privateKey;
}

function invalid(reason: string, remedy?: string): Refusal {
  const standard =
    "Give the issuing certificate, its issuers up to the root in that order, and its P-256 key.";
  return new Refusal("authority_invalid", `This authority cannot sign here: ${reason}.`, {
    remedy: remedy ?? standard,
  });
}

function isoTime(timeMs: number): string {
  return Number.isFinite(timeMs) ? new Date(timeMs).toISOString() : "an unknown time";
}
