// A self-signed certificate for development, kept in the data directory so that a browser has to be told only once.
import { readFile, writeFile } from "node:fs/promises";
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { exportPrivateKeyPem, exportPublicKey, generateKeyPair } from "#contract/identity/key-pair.ts";
import { encodePem } from "#contract/identity/pem.ts";
import { serialFromRandom, signCertificate } from "#contract/identity/sign-certificate.ts";
import type { KeyPairFiles } from "./listener-certificates.ts";

const localNames = ["localhost", "*.localhost"];
const localAddresses = ["127.0.0.1", "::1"];
const validityMs = 90 * 86_400_000;

/** Makes `DIR/dev-tls.crt` and `.key` for `names` and this machine, or keeps those there while they fit and hold. */
export async function developmentCertificate(
  directory: string,
  names: readonly string[],
  nowMs: number,
): Promise<KeyPairFiles> {
  const files = { certFile: join(directory, "dev-tls.crt"), keyFile: join(directory, "dev-tls.key") };
  const wanted = [...new Set([...localNames, ...names])];
  if (await stillFits(files.certFile, wanted, nowMs)) return files;
  const keyPair = await generateKeyPair();
  const spki = await exportPublicKey(keyPair.publicKey);
  const commonName = "Isthmus development";
  const certificate = await signCertificate(
    {
      serial: serialFromRandom(crypto.getRandomValues(new Uint8Array(16))),
      commonName,
      notBeforeMs: nowMs - 60_000,
      notAfterMs: nowMs + validityMs,
      spki,
      purposes: ["serverAuth"],
      dnsNames: wanted,
      ipAddresses: localAddresses,
    },
    { commonName, spki, privateKey: keyPair.privateKey },
  );
  await writeFile(files.keyFile, await exportPrivateKeyPem(keyPair.privateKey), { mode: 0o600 });
  await writeFile(files.certFile, encodePem("CERTIFICATE", certificate));
  return files;
}

async function stillFits(certFile: string, names: readonly string[], nowMs: number): Promise<boolean> {
  try {
    const certificate = new X509Certificate(await readFile(certFile));
    const carried = new Set(certificate.subjectAltName?.split(", "));
    return (
      certificate.validToDate.getTime() > nowMs + 86_400_000 &&
      names.every((name) => carried.has(`DNS:${name}`))
    );
  } catch {
    return false;
  }
}
