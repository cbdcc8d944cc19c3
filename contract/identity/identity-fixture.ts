// A small certificate authority for tests: issues what it is told, however wrong. Never used by a program.
import { AsnConvert } from "@peculiar/asn1-schema";
import {
  AlgorithmIdentifier,
  Certificate,
  CertificateList,
  RevokedCertificate,
  TBSCertList,
  Time,
} from "@peculiar/asn1-x509";
import type { Trust } from "../sync.ts";
import { type CryptoKeyPair, exportPublicKey, generateKeyPair } from "./key-pair.ts";
import { encodePem } from "./pem.ts";
import {
  type CertificateTemplate,
  commonName,
  serialFromRandom,
  signCertificate,
} from "./sign-certificate.ts";
import { ecdsaWithSha256Oid, signX509 } from "./x509-signature.ts";

export const fixtureNowMs = Date.UTC(2026, 0, 2, 3, 4, 5);
const dayMs = 86_400_000;

export interface FixtureCertificate {
  readonly der: Uint8Array<ArrayBuffer>;
  readonly pem: string;
  readonly keyPair: CryptoKeyPair;
  readonly commonName: string;
}

/** A self-signed root, or an intermediate of `issuer`. */
export async function issueAuthority(
  commonName: string,
  issuer?: FixtureCertificate,
  changes: Partial<CertificateTemplate> = {},
): Promise<FixtureCertificate> {
  return issue({ commonName, authority: {}, ...changes }, issuer);
}

/** An agent's leaf, valid from a minute before `fixtureNowMs` for a day unless `changes` say otherwise. */
export async function issueLeaf(
  issuer: FixtureCertificate,
  spiffeId: string,
  changes: Partial<CertificateTemplate> = {},
): Promise<FixtureCertificate> {
  return issue({ commonName: "", uris: [spiffeId], purposes: ["clientAuth"], ...changes }, issuer);
}

export function fixtureTrust(root: FixtureCertificate, changes: Partial<Trust> = {}): Trust {
  return { version: 1, trustDomain: "isthmus.test", rootsPem: [root.pem], revokedSerials: [], ...changes };
}

/** A list of revoked certificates (RFC 5280 §5), PEM. */
export async function issueRevocationList(
  issuer: FixtureCertificate,
  revoked: readonly { readonly der: Uint8Array }[],
  { notBeforeMs, notAfterMs }: Pick<CertificateTemplate, "notBeforeMs" | "notAfterMs">,
): Promise<string> {
  const algorithm = new AlgorithmIdentifier({ algorithm: ecdsaWithSha256Oid });
  const tbs = new TBSCertList({
    version: 1,
    signature: algorithm,
    issuer: commonName(issuer.commonName),
    thisUpdate: new Time(new Date(notBeforeMs)),
    nextUpdate: new Time(new Date(notAfterMs)),
    revokedCertificates: revoked.map(({ der }) => {
      const { serialNumber } = AsnConvert.parse(der, Certificate).tbsCertificate;
      return new RevokedCertificate({
        userCertificate: serialNumber,
        revocationDate: new Time(new Date(notBeforeMs)),
      });
    }),
  });
  const signature = await signX509(issuer.keyPair.privateKey, new Uint8Array(AsnConvert.serialize(tbs)));
  const list = new CertificateList({
    tbsCertList: tbs,
    signatureAlgorithm: algorithm,
    signature: signature.buffer,
  });
  return encodePem("X509 CRL", new Uint8Array(AsnConvert.serialize(list)));
}

async function issue(
  changes: Partial<CertificateTemplate> & { commonName: string },
  issuer: FixtureCertificate | undefined,
): Promise<FixtureCertificate> {
  const keyPair = await generateKeyPair();
  const spki = await exportPublicKey(keyPair.publicKey);
  const template: CertificateTemplate = {
    serial: serialFromRandom(crypto.getRandomValues(new Uint8Array(16))),
    notBeforeMs: fixtureNowMs - 60_000,
    notAfterMs: fixtureNowMs + dayMs,
    spki,
    ...changes,
  };
  const signer = issuer ?? { commonName: changes.commonName, keyPair };
  const der = await signCertificate(template, {
    commonName: signer.commonName,
    spki: await exportPublicKey(signer.keyPair.publicKey),
    privateKey: signer.keyPair.privateKey,
  });
  return { der, pem: encodePem("CERTIFICATE", der), keyPair, commonName: changes.commonName };
}
