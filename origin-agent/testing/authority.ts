// A certificate authority for tests: a root, certificates for edges, and what it issues for an agent's signing request.
import { randomBytes } from "node:crypto";
import { verifyCsr } from "#contract/identity/csr.ts";
import { exportPrivateKeyPem, exportPublicKey, generateKeyPair } from "#contract/identity/key-pair.ts";
import { encodePem } from "#contract/identity/pem.ts";
import { serialFromRandom, signCertificate } from "#contract/identity/sign-certificate.ts";
import type { CertificateIssuer } from "#contract/identity/sign-certificate.ts";
import { agentSpiffeId } from "#contract/identity/spiffe-id.ts";
import type { IssuedCertificate, Trust } from "#contract/sync.ts";

const trustDomain = "isthmus.test";
const hourMs = 3_600_000;

export interface TestAuthority {
  readonly rootPem: string;
  readonly trust: Trust;
  /** Key and certificate of a server for these names. */
  issueServer(names: {
    dnsNames?: string[];
    ipAddresses?: string[];
    uris?: string[];
    /** Default: a minute ago. */
    notBeforeMs?: number;
    /** Default: in an hour. */
    notAfterMs?: number;
  }): Promise<{ key: string; cert: string }>;
  /** `notBeforeMs`: default now. */
  issueAgent(
    csrPem: string,
    tunnel: string,
    validity?: { readonly lifetimeMs?: number; readonly notBeforeMs?: number },
  ): Promise<IssuedCertificate>;
}

export async function createAuthority(name = "test root"): Promise<TestAuthority> {
  const keyPair = await generateKeyPair();
  const spki = await exportPublicKey(keyPair.publicKey);
  const issuer: CertificateIssuer = { commonName: name, spki, privateKey: keyPair.privateKey };
  const serial = () => serialFromRandom(randomBytes(16));
  const validity = () => ({ notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + hourMs });
  const root = { serial: serial(), commonName: name, spki, authority: {}, ...validity() };
  const rootPem = encodePem("CERTIFICATE", await signCertificate(root, issuer));

  return {
    rootPem,
    trust: { version: 1, trustDomain, rootsPem: [rootPem], revokedSerials: [] },
    async issueServer(names) {
      const server = await generateKeyPair();
      const template = {
        serial: serial(),
        commonName: "edge",
        spki: await exportPublicKey(server.publicKey),
        purposes: ["serverAuth" as const],
        ...validity(),
        ...names,
      };
      const cert = encodePem("CERTIFICATE", await signCertificate(template, issuer));
      return { key: await exportPrivateKeyPem(server.privateKey), cert };
    },
    async issueAgent(csrPem, tunnel, { lifetimeMs = hourMs, notBeforeMs: fromMs = Date.now() } = {}) {
      const spiffeId = agentSpiffeId(trustDomain, tunnel);
      // Whole seconds, as certificates count them; the current one has begun.
      const notBeforeMs = Math.floor(fromMs / 1_000) * 1_000;
      const notAfterMs = notBeforeMs + lifetimeMs;
      const template = {
        serial: serial(),
        commonName: "",
        notBeforeMs,
        notAfterMs,
        spki: await verifyCsr(csrPem),
        purposes: ["clientAuth" as const],
        uris: [spiffeId],
      };
      const certificateChainPem = encodePem("CERTIFICATE", await signCertificate(template, issuer));
      return { certificateChainPem, trustBundlePem: rootPem, spiffeId, notAfterMs };
    },
  };
}
