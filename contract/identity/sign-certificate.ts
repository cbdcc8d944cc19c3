// Makes X.509 certificates (RFC 5280 §4): the writing half of `certificate-fields.ts`. Policy is the caller's.
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_clientAuth,
  id_kp_serverAuth,
} from "@peculiar/asn1-x509";
import type { CertificateFields } from "./certificate-fields.ts";
import type { CryptoKey } from "./key-pair.ts";
import { decodeHex } from "./pem.ts";
import { ecdsaWithSha256Oid, signX509 } from "./x509-signature.ts";

export interface CertificateTemplate {
  /** Positive, at most 20 bytes, e.g. of {@link serialFromRandom}. */
  readonly serial: Uint8Array;
  /** Common name of the subject; empty: no subject at all, as SPIFFE allows. */
  readonly commonName: string;
  /** Whole seconds count; fractions are cut off. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /** Present: a certificate authority's certificate. Absent: a leaf. */
  readonly authority?: { readonly pathLength?: number };
  /** Extended key usages of a leaf. */
  readonly purposes?: readonly ("clientAuth" | "serverAuth")[];
  readonly uris?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
}

/** Who signs. */
export type CertificateIssuer = {
  /** ECDSA P-256. */
  readonly privateKey: CryptoKey;
} & (
  | {
      /** For a root, the same as the template's. */
      readonly commonName: string;
      readonly spki: Uint8Array;
    }
  /** An authority that exists, by whoever made it: its name and key identifier are repeated as they are. */
  | { readonly certificate: CertificateFields }
);

/** Sixteen random bytes as a serial number: positive, never zero, no leading zero byte (CA/B BR §7.1: 64 bits suffice). */
export function serialFromRandom(random: Uint8Array): Uint8Array {
  const serial = Uint8Array.from(random.subarray(0, 16));
  serial[0] = (serial[0]! & 0x3f) | 0x40;
  return serial;
}

/** DER of the signed certificate. */
export async function signCertificate(
  template: CertificateTemplate,
  issuer: CertificateIssuer,
): Promise<Uint8Array<ArrayBuffer>> {
  const algorithm = new AlgorithmIdentifier({ algorithm: ecdsaWithSha256Oid });
  const tbsCertificate = new TBSCertificate({
    version: 2,
    serialNumber: Uint8Array.from(template.serial).buffer,
    signature: algorithm,
    issuer:
      "certificate" in issuer
        ? AsnConvert.parse(decodeHex(issuer.certificate.subjectName), Name)
        : commonName(issuer.commonName),
    validity: new Validity({
      notBefore: new Date(template.notBeforeMs),
      notAfter: new Date(template.notAfterMs),
    }),
    subject: commonName(template.commonName),
    subjectPublicKeyInfo: AsnConvert.parse(template.spki, SubjectPublicKeyInfo),
    extensions: new Extensions(await extensionsOf(template, issuer)),
  });
  const tbs = new Uint8Array(AsnConvert.serialize(tbsCertificate));
  const signature = await signX509(issuer.privateKey, tbs);
  const certificate = new Certificate({
    tbsCertificate,
    signatureAlgorithm: algorithm,
    signatureValue: signature.buffer,
  });
  certificate.tbsCertificateRaw = tbs.buffer;
  return new Uint8Array(AsnConvert.serialize(certificate));
}

/** A distinguished name of one common name (RFC 5280 §4.1.2.4). */
export function commonName(value: string): Name {
  if (value === "") return new Name();
  const attribute = new AttributeTypeAndValue({
    type: "2.5.4.3",
    value: new AttributeValue({ utf8String: value }),
  });
  return new Name([new RelativeDistinguishedName([attribute])]);
}

async function extensionsOf(template: CertificateTemplate, issuer: CertificateIssuer): Promise<Extension[]> {
  const { authority, purposes } = template;
  const usage = authority
    ? KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign
    : KeyUsageFlags.digitalSignature;
  const constraints = new BasicConstraints({
    cA: authority !== undefined,
    ...(authority?.pathLength !== undefined && { pathLenConstraint: authority.pathLength }),
  });
  const names = [
    ...(template.uris ?? []).map((uri) => new GeneralName({ uniformResourceIdentifier: uri })),
    ...(template.dnsNames ?? []).map((name) => new GeneralName({ dNSName: name })),
    ...(template.ipAddresses ?? []).map((address) => new GeneralName({ iPAddress: address })),
  ];
  const extensions = [
    extension(id_ce_basicConstraints, true, constraints),
    extension(id_ce_keyUsage, true, new KeyUsage(usage)),
    extension(
      id_ce_subjectKeyIdentifier,
      false,
      new SubjectKeyIdentifier(await keyIdentifier(template.spki)),
    ),
  ];
  const issuerKey = await issuerKeyIdentifier(issuer);
  if (issuerKey) {
    const identifier = new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(issuerKey) });
    extensions.push(extension(id_ce_authorityKeyIdentifier, false, identifier));
  }
  if (purposes && purposes.length > 0) {
    const oids = purposes.map((purpose) => (purpose === "clientAuth" ? id_kp_clientAuth : id_kp_serverAuth));
    extensions.push(extension(id_ce_extKeyUsage, false, new ExtendedKeyUsage(oids)));
  }
  if (names.length > 0) {
    // Critical where there is no subject to name the holder (RFC 5280 §4.2.1.6).
    const critical = template.commonName === "";
    extensions.push(extension(id_ce_subjectAltName, critical, new SubjectAlternativeName(names)));
  }
  return extensions;
}

function extension(extnID: string, critical: boolean, value: unknown): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

/** As the issuer's own certificate has it, or verifiers would not find it (RFC 5280 §4.2.1.1). */
async function issuerKeyIdentifier(issuer: CertificateIssuer): Promise<ArrayBuffer | undefined> {
  if (!("certificate" in issuer)) return keyIdentifier(issuer.spki);
  const { subjectKeyIdentifier } = issuer.certificate;
  return subjectKeyIdentifier === undefined ? undefined : decodeHex(subjectKeyIdentifier).buffer;
}

/** RFC 7093 §2 method 1: the leftmost 160 bits of SHA-256 of the public key. */
async function keyIdentifier(spki: Uint8Array): Promise<ArrayBuffer> {
  const { subjectPublicKey } = AsnConvert.parse(spki, SubjectPublicKeyInfo);
  return (await crypto.subtle.digest("SHA-256", subjectPublicKey)).slice(0, 20);
}
