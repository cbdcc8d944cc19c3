// Asks for a certificate: a new key that never leaves this process but to the data directory, its signing request, and
// the check that what comes back is a certificate of that key for this tunnel.
import { parseCertificate } from "#contract/identity/certificate-fields.ts";
import { createCsr } from "#contract/identity/csr.ts";
import { exportPrivateKeyPem, exportPublicKey, generateKeyPair } from "#contract/identity/key-pair.ts";
import { decodePem } from "#contract/identity/pem.ts";
import { parseAgentSpiffeId } from "#contract/identity/spiffe-id.ts";
import { issuedCertificateSchema } from "#contract/sync.ts";
import { AgentError } from "./agent-error.ts";
import type { Identity } from "./identity-store.ts";

export interface IdentityRequest {
  /** PKCS #10, PEM. */
  readonly csrPem: string;
  /** The identity made of the edge's answer. Throws `AgentError` `edge_answer_invalid`. */
  complete(answer: unknown): Promise<Identity>;
}

export async function createIdentityRequest(tunnel: string): Promise<IdentityRequest> {
  const keyPair = await generateKeyPair();
  return {
    csrPem: await createCsr(keyPair),
    async complete(answer) {
      const issued = issuedCertificateSchema.safeParse(answer);
      if (!issued.success) throw invalid("is not a certificate");
      const { certificateChainPem, trustBundlePem } = issued.data;
      const [leafDer] = decodePem("CERTIFICATE", certificateChainPem);
      if (!leafDer) throw invalid("holds no certificate");
      const leaf = parseCertificate(leafDer);
      const spki = await exportPublicKey(keyPair.publicKey);
      if (Buffer.compare(leaf.spki, spki) !== 0) throw invalid("is a certificate of another key");
      const spiffeId = leaf.uris[0] ?? "";
      if (parseAgentSpiffeId(spiffeId).tunnel !== tunnel) throw invalid(`is for ${spiffeId}`);
      return {
        format: 1,
        tunnel,
        spiffeId,
        serial: leaf.serial,
        notBeforeMs: leaf.notBeforeMs,
        notAfterMs: leaf.notAfterMs,
        privateKeyPem: await exportPrivateKeyPem(keyPair.privateKey),
        certificateChainPem,
        trustBundlePem,
      };
    },
  };
}

const invalid = (what: string) => new AgentError("edge_answer_invalid", `what the edge issued ${what}`);
