import { expect, test } from "vitest";
import { createCsr, verifyCsr } from "./csr.ts";
import { exportPrivateKeyPem, exportPublicKey, generateKeyPair, importKeyPairPem } from "./key-pair.ts";
import { decodePem, encodePem } from "./pem.ts";
import { ecdsaFromDer } from "./x509-signature.ts";

test("a request carries the public key and nothing else that counts", async () => {
  const keyPair = await generateKeyPair();
  expect(await verifyCsr(await createCsr(keyPair))).toEqual(await exportPublicKey(keyPair.publicKey));
});

test("a request signed with another key is refused", async () => {
  const [mine, other] = [await generateKeyPair(), await generateKeyPair()];
  const csr = await createCsr({ publicKey: mine.publicKey, privateKey: other.privateKey });
  await expect(verifyCsr(csr)).rejects.toMatchObject({ code: "proof_invalid" });
});

test("a changed byte anywhere is refused", async () => {
  const [der] = decodePem("CERTIFICATE REQUEST", await createCsr(await generateKeyPair()));
  for (let at = 0; at < der!.length; at += 3) {
    const mutant = Uint8Array.from(der!);
    mutant[at]! ^= 0x01;
    await expect(verifyCsr(encodePem("CERTIFICATE REQUEST", mutant)), `byte ${at}`).rejects.toMatchObject({
      name: "IdentityError",
    });
  }
});

test.each(["", "hello", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"])(
  "%j is refused",
  async (text) => {
    await expect(verifyCsr(text)).rejects.toMatchObject({ code: "certificate_malformed" });
  },
);

test("a key of another curve is refused", async () => {
  const p384 = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-384" }, true, [
    "sign",
    "verify",
  ]);
  await expect(createCsr(p384 as never).then(verifyCsr)).rejects.toMatchObject({
    code: "certificate_malformed",
  });
});

test("a key pair survives PKCS #8 PEM", async () => {
  const keyPair = await generateKeyPair();
  const pem = await exportPrivateKeyPem(keyPair.privateKey);
  expect(pem).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
  const again = await importKeyPairPem(pem);
  expect(await exportPublicKey(again.publicKey)).toEqual(await exportPublicKey(keyPair.publicKey));
  await expect(importKeyPairPem("nothing")).rejects.toThrow(/PRIVATE KEY/);
});

test.each([
  ["empty", []],
  ["a long form length", [0x30, 0x81, 0x06, 2, 1, 1, 2, 1, 1]],
  ["a negative integer", [0x30, 6, 2, 1, 0x80, 2, 1, 1]],
  ["a padded integer", [0x30, 7, 2, 2, 0, 1, 2, 1, 1]],
  ["bytes at the end", [0x30, 7, 2, 1, 1, 2, 1, 1, 0]],
  ["an integer that ends too early", [0x30, 5, 2, 1, 1, 2, 1]],
])("an ECDSA signature with %s is not DER", (_name, bytes) => {
  expect(() => ecdsaFromDer(Uint8Array.from(bytes), 32)).toThrow(RangeError);
});
