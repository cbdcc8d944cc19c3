// Verifies an agent's certificate as an X.509-SVID (SPIFFE X509-SVID §5, RFC 5280 §6) against the trust of the moment.
import { KeyUsageFlags, anyExtendedKeyUsage, id_kp_clientAuth } from "@peculiar/asn1-x509";
import type { Trust } from "../sync.ts";
import { type CertificateFields, parseCertificate } from "./certificate-fields.ts";
import { IdentityError } from "./identity-error.ts";
import { type CryptoKey, keyAlgorithm } from "./key-pair.ts";
import { decodePem } from "./pem.ts";
import { parseAgentSpiffeId } from "./spiffe-id.ts";
import { curveOf, verifyX509Signature } from "./x509-signature.ts";

/** Certificates a peer may send: the leaf and what it needs to reach a root. */
export const maxChainCertificates = 4;

/** Who the peer is, once the chain is verified. It still has to prove that it holds the key (`proof.ts`). */
export interface VerifiedIdentity {
  readonly spiffeId: string;
  readonly tunnel: string;
  /** Lower-case hex without leading zeros, as in `Trust.revokedSerials`. */
  readonly serial: string;
  readonly notAfterMs: number;
  /** ECDSA P-256, for `verifyProof`. */
  readonly publicKey: CryptoKey;
  readonly leafDer: Uint8Array;
}

/**
 * Verifies a chain, leaf first; the root may be missing or present. Checks signatures, validity at `nowMs`, CA
 * constraints, key usage, SPIFFE id, trust domain and revocation of every certificate in it.
 * Throws {@link IdentityError}: `certificate_missing`, `certificate_malformed`, `issuer_unknown`, `expired`,
 * `not_yet_valid`, `spiffe_id_invalid`, `trust_domain_mismatch` or `revoked`.
 */
export async function verifyCertificate(
  chainDer: Uint8Array[],
  trust: Trust,
  nowMs: number,
): Promise<VerifiedIdentity> {
  if (chainDer.length === 0) throw new IdentityError("certificate_missing", "no certificate was presented");
  if (chainDer.length > maxChainCertificates) {
    throw malformed(`${chainDer.length} certificates, at most ${maxChainCertificates} are accepted`);
  }
  const chain = chainDer.map(parseCertificate);
  const leaf = chain[0]!;
  const publicKey = await leafKey(leaf);
  await verifyPath(chain, trustedRoots(trust), new Set(trust.revokedSerials), nowMs);
  const { spiffeId, tunnel } = leafIdentity(leaf, trust.trustDomain);
  return { spiffeId, tunnel, serial: leaf.serial, notAfterMs: leaf.notAfterMs, publicKey, leafDer: leaf.der };
}

/** From the leaf up: at each step a trusted root ends the path, else the next certificate has to be the issuer. */
async function verifyPath(
  chain: CertificateFields[],
  roots: readonly CertificateFields[],
  revoked: ReadonlySet<string>,
  nowMs: number,
): Promise<void> {
  for (const [index, certificate] of chain.entries()) {
    requireValid(certificate, index === 0 ? "the certificate" : "an intermediate certificate", nowMs);
    if (revoked.has(certificate.serial)) {
      throw new IdentityError("revoked", `the certificate with serial ${certificate.serial} is revoked`);
    }
    for (const root of roots) {
      if (await isIssuer(root, certificate, index)) return requireValid(root, "the root certificate", nowMs);
    }
    const next = chain[index + 1];
    if (!next || !(await isIssuer(next, certificate, index))) break;
  }
  throw new IdentityError("issuer_unknown", "the certificate was not issued by a trusted authority");
}

/** `intermediates`: how many lie between this issuer and the leaf, which is what pathLenConstraint bounds. */
async function isIssuer(
  issuer: CertificateFields,
  subject: CertificateFields,
  intermediates: number,
): Promise<boolean> {
  if (issuer.subjectName !== subject.issuerName || !issuer.isCa) return false;
  if (issuer.pathLength !== undefined && intermediates > issuer.pathLength) return false;
  if (issuer.keyUsage !== undefined && (issuer.keyUsage & KeyUsageFlags.keyCertSign) === 0) return false;
  return verifyX509Signature(subject.signatureOid, issuer.spki, subject.signature, subject.tbs);
}

function requireValid(certificate: CertificateFields, what: string, nowMs: number): void {
  const { notBeforeMs, notAfterMs } = certificate;
  if (nowMs < notBeforeMs) {
    throw new IdentityError("not_yet_valid", `${what} is not valid before ${isoTime(notBeforeMs)}`);
  }
  if (nowMs > notAfterMs) {
    throw new IdentityError("expired", `${what} expired at ${isoTime(notAfterMs)}`);
  }
}

/** X509-SVID §4 for leaves, and the key type that the proof of possession needs. */
async function leafKey(leaf: CertificateFields): Promise<CryptoKey> {
  if (leaf.isCa) throw malformed("a certificate authority's certificate cannot identify an agent");
  const usage = leaf.keyUsage ?? 0;
  if ((usage & KeyUsageFlags.digitalSignature) === 0) throw malformed("keyUsage lacks digitalSignature");
  if ((usage & (KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign)) !== 0) {
    throw malformed("keyUsage of a leaf must not include keyCertSign or cRLSign");
  }
  const purposes = leaf.extendedKeyUsage;
  if (purposes && !purposes.some((oid) => oid === id_kp_clientAuth || oid === anyExtendedKeyUsage)) {
    throw malformed("extendedKeyUsage lacks clientAuth");
  }
  if (curveOf(leaf.spki)?.namedCurve !== keyAlgorithm.namedCurve)
    throw malformed("the key is not ECDSA P-256");
  try {
    return await crypto.subtle.importKey("spki", leaf.spki, keyAlgorithm, true, ["verify"]);
  } catch (cause) {
    throw new IdentityError("certificate_malformed", "the certificate's key is not a point of P-256", {
      cause,
    });
  }
}

/** X509-SVID §2: exactly one URI among the subject alternative names. */
function leafIdentity(leaf: CertificateFields, trustDomain: string): { spiffeId: string; tunnel: string } {
  const [spiffeId, ...others] = leaf.uris;
  if (spiffeId === undefined || others.length > 0) {
    throw new IdentityError("spiffe_id_invalid", `expected exactly one URI name, found ${leaf.uris.length}`);
  }
  const identity = parseAgentSpiffeId(spiffeId);
  if (identity.trustDomain !== trustDomain) {
    throw new IdentityError(
      "trust_domain_mismatch",
      `the certificate is of the trust domain ${identity.trustDomain}, expected ${trustDomain}`,
    );
  }
  return { spiffeId, tunnel: identity.tunnel };
}

const rootsByTrust = new WeakMap<Trust, readonly CertificateFields[]>();

/** Roots of a trust document, parsed once per document. */
function trustedRoots(trust: Trust): readonly CertificateFields[] {
  let roots = rootsByTrust.get(trust);
  if (!roots) {
    roots = trust.rootsPem.flatMap((pem) => decodePem("CERTIFICATE", pem)).map(parseCertificate);
    rootsByTrust.set(trust, roots);
  }
  return roots;
}

function malformed(reason: string): IdentityError {
  return new IdentityError("certificate_malformed", `the certificate cannot be used: ${reason}`);
}

function isoTime(timeMs: number): string {
  return Number.isFinite(timeMs) ? new Date(timeMs).toISOString() : "an unknown time";
}
