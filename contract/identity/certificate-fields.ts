// Reads the fields of an X.509 certificate (RFC 5280) that identity decisions need. Decides nothing itself.
import type { CertificationRequest } from "@peculiar/asn1-csr";
import { AsnConvert } from "@peculiar/asn1-schema";
import {
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  type Extension,
  KeyUsage,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
} from "@peculiar/asn1-x509";
import { IdentityError } from "./identity-error.ts";
import { encodeHex } from "./pem.ts";

/** Largest certificate that is looked at, in bytes of DER; ours are under 700. */
export const maxCertificateBytes = 16 * 1024;
/** RFC 5280 §4.1.2.2. */
const maxSerialBytes = 20;

export interface CertificateFields {
  readonly der: Uint8Array<ArrayBuffer>;
  /** What the signature covers. */
  readonly tbs: Uint8Array<ArrayBuffer>;
  readonly signatureOid: string;
  readonly signature: Uint8Array<ArrayBuffer>;
  /** Lower-case hex without leading zeros. */
  readonly serial: string;
  /** Distinguished names as the hex of their DER: compared, never shown. */
  readonly issuerName: string;
  readonly subjectName: string;
  readonly notBeforeMs: number;
  /** The certificate still holds at this instant (RFC 5280 §4.1.2.5: the period is inclusive). */
  readonly notAfterMs: number;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array<ArrayBuffer>;
  readonly isCa: boolean;
  readonly pathLength?: number;
  /** Bits as `KeyUsageFlags` of `@peculiar/asn1-x509`; absent without the extension. */
  readonly keyUsage?: number;
  readonly extendedKeyUsage?: readonly string[];
  /** Which key this certificate is of, and which one signed it, as their owners name them: hex; absent without the extension. */
  readonly subjectKeyIdentifier?: string;
  readonly authorityKeyIdentifier?: string;
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
}

/**
 * Parses one certificate. Throws {@link IdentityError} `certificate_malformed` when it is too long, not DER, not
 * version 3, has trailing bytes, an extension twice, or a critical extension that is not known here (RFC 5280 §4.2).
 */
export function parseCertificate(der: Uint8Array): CertificateFields {
  if (der.length > maxCertificateBytes) {
    throw malformed(
      `${der.length} bytes are more than the ${maxCertificateBytes} that a certificate may have`,
    );
  }
  try {
    return readFields(Uint8Array.from(der));
  } catch (cause) {
    if (cause instanceof IdentityError) throw cause;
    throw malformed("not an X.509 certificate", cause);
  }
}

function readFields(der: Uint8Array<ArrayBuffer>): CertificateFields {
  const certificate = AsnConvert.parse(der, Certificate);
  if (!encodesTo(certificate, der)) throw malformed("not DER");
  const tbs = certificate.tbsCertificate;
  if (tbs.version !== 2) throw malformed("not version 3");
  const signatureOid = certificate.signatureAlgorithm.algorithm;
  if (tbs.signature.algorithm !== signatureOid) throw malformed("two different signature algorithms");
  return {
    der,
    tbs: new Uint8Array(certificate.tbsCertificateRaw!),
    signatureOid,
    signature: new Uint8Array(certificate.signatureValue),
    serial: serialText(new Uint8Array(tbs.serialNumber)),
    issuerName: encodeHex(new Uint8Array(AsnConvert.serialize(tbs.issuer))),
    subjectName: encodeHex(new Uint8Array(AsnConvert.serialize(tbs.subject))),
    notBeforeMs: tbs.validity.notBefore.getTime().getTime(),
    notAfterMs: tbs.validity.notAfter.getTime().getTime(),
    spki: new Uint8Array(AsnConvert.serialize(tbs.subjectPublicKeyInfo)),
    ...readExtensions(tbs.extensions ?? []),
  };
}

type ExtensionFields = Pick<
  CertificateFields,
  | "isCa"
  | "pathLength"
  | "keyUsage"
  | "extendedKeyUsage"
  | "subjectKeyIdentifier"
  | "authorityKeyIdentifier"
  | "uris"
  | "dnsNames"
  | "ipAddresses"
>;

function readExtensions(extensions: readonly Extension[]): ExtensionFields {
  const byOid = new Map<string, ArrayBuffer>();
  for (const { extnID, critical, extnValue } of extensions) {
    if (byOid.has(extnID)) throw malformed(`extension ${extnID} twice`);
    if (critical && !understoodExtensions.has(extnID))
      throw malformed(`unknown critical extension ${extnID}`);
    byOid.set(extnID, extnValue.buffer);
  }
  const read = <T>(oid: string, type: new () => T): T | undefined => {
    const value = byOid.get(oid);
    return value && AsnConvert.parse(value, type);
  };
  const constraints = read(id_ce_basicConstraints, BasicConstraints);
  const keyUsage = read(id_ce_keyUsage, KeyUsage);
  const extendedKeyUsage = read(id_ce_extKeyUsage, ExtendedKeyUsage);
  const subjectKey = read(id_ce_subjectKeyIdentifier, SubjectKeyIdentifier);
  const authorityKey = read(id_ce_authorityKeyIdentifier, AuthorityKeyIdentifier)?.keyIdentifier;
  const names = Array.from(read(id_ce_subjectAltName, SubjectAlternativeName) ?? []);
  return {
    isCa: constraints?.cA ?? false,
    ...(constraints?.pathLenConstraint !== undefined && { pathLength: constraints.pathLenConstraint }),
    ...(keyUsage && { keyUsage: keyUsage.toNumber() || 0 }),
    ...(extendedKeyUsage && { extendedKeyUsage: Array.from(extendedKeyUsage) }),
    ...(subjectKey && { subjectKeyIdentifier: encodeHex(new Uint8Array(subjectKey.buffer)) }),
    ...(authorityKey && { authorityKeyIdentifier: encodeHex(new Uint8Array(authorityKey.buffer)) }),
    uris: names.flatMap((name) => name.uniformResourceIdentifier ?? []),
    dnsNames: names.flatMap((name) => name.dNSName ?? []),
    ipAddresses: names.flatMap((name) => name.iPAddress ?? []),
  };
}

const understoodExtensions = new Set([
  id_ce_basicConstraints,
  id_ce_keyUsage,
  id_ce_extKeyUsage,
  id_ce_subjectAltName,
]);

/** A positive INTEGER's bytes as hex without leading zeros, the one form in which serials are compared. */
function serialText(bytes: Uint8Array): string {
  if (bytes.length === 0 || bytes.length > maxSerialBytes + 1 || bytes[0]! >= 0x80) {
    throw malformed("the serial number is not a positive integer of at most 20 bytes");
  }
  return encodeHex(bytes).replace(/^0+(?=.)/, "");
}

/**
 * Whether `der` is what a parsed certificate or request encodes to. The ASN.1 reader takes BER and ignores what follows;
 * without this check the unsigned outer frame could be changed and the same certificate would have many encodings.
 */
export function encodesTo(parsed: Certificate | CertificationRequest, der: Uint8Array): boolean {
  const encoded = new Uint8Array(AsnConvert.serialize(parsed));
  return encoded.length === der.length && encoded.every((byte, index) => byte === der[index]);
}

function malformed(reason: string, cause?: unknown): IdentityError {
  return new IdentityError("certificate_malformed", `the certificate is malformed: ${reason}`, { cause });
}
