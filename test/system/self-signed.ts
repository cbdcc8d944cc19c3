// A certificate that signs itself, for servers that tests compare with.
import { exportPrivateKeyPem, exportPublicKey, generateKeyPair } from "#contract/identity/key-pair.ts";
import { encodePem } from "#contract/identity/pem.ts";
import { serialFromRandom, signCertificate } from "#contract/identity/sign-certificate.ts";

/** Certificate and key, PEM. */
export async function selfSignedPem(commonName: string): Promise<string> {
  const keyPair = await generateKeyPair();
  const spki = await exportPublicKey(keyPair.publicKey);
  const certificate = await signCertificate(
    {
      serial: serialFromRandom(crypto.getRandomValues(new Uint8Array(16))),
      commonName,
      notBeforeMs: Date.now() - 60_000,
      notAfterMs: Date.now() + 86_400_000,
      spki,
      purposes: ["serverAuth"],
      dnsNames: [commonName],
    },
    { commonName, spki, privateKey: keyPair.privateKey },
  );
  return encodePem("CERTIFICATE", certificate) + (await exportPrivateKeyPem(keyPair.privateKey));
}
