// The server certificate of the tunnel's port: issued by the control's own authority, so that an agent needs nothing but
// the trust bundle; renewed in time, its key never on disk.
import { networkInterfaces, hostname } from "node:os";
import { parseCertificate } from "#contract/identity/certificate-fields.ts";
import { createCsr } from "#contract/identity/csr.ts";
import { exportPrivateKeyPem, generateKeyPair } from "#contract/identity/key-pair.ts";
import { decodePem } from "#contract/identity/pem.ts";
import type { AdminClient } from "../admin-client.ts";
import type { KeyPair } from "./front-door/settings.ts";

export interface TunnelCertificate extends KeyPair {
  /** When to ask for the next one: at half of its life. */
  readonly renewAtMs: number;
  /** Of the authority that issued it, as `Trust.signer` names it. */
  readonly authorityKeyIdentifier: string | undefined;
}

export async function issueTunnelCertificate(
  client: AdminClient,
  names: readonly string[],
  nowMs: number,
): Promise<TunnelCertificate> {
  const keyPair = await generateKeyPair();
  const { certificateChainPem, notAfterMs } = await client.serverCertificate({
    csrPem: await createCsr(keyPair),
    names: tunnelNames(names),
  });
  const [leaf] = decodePem("CERTIFICATE", certificateChainPem);
  return {
    authorityKeyIdentifier: leaf && parseCertificate(leaf).authorityKeyIdentifier,
    certPem: certificateChainPem,
    keyPem: await exportPrivateKeyPem(keyPair.privateKey),
    renewAtMs: nowMs + (notAfterMs - nowMs) / 2,
  };
}

/** This machine's names and addresses, and those that the operator gives. */
function tunnelNames(given: readonly string[]): string[] {
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .map(({ address }) => address)
    .filter((address) => !address.includes("%") && !address.startsWith("fe80:"));
  const names = ["localhost", "127.0.0.1", "::1", ...addresses];
  if (/^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/.test(hostname())) names.push(hostname().toLowerCase());
  return [...new Set([...given, ...names])].slice(0, 64);
}
