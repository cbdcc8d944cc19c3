// A small certificate authority for tests: issues what it is told, however wrong. Never used by a program.
import type { Trust } from "../sync.ts";
import { type CryptoKeyPair, exportPublicKey, generateKeyPair } from "./key-pair.ts";
import { encodePem } from "./pem.ts";
import { type CertificateTemplate, serialFromRandom, signCertificate } from "./sign-certificate.ts";

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
