import { beforeAll, expect, test } from "vitest";
import { type CryptoKeyPair, generateKeyPair } from "./key-pair.ts";
import { type ProofInput, proofSignatureBase, signProof, verifyProof } from "./proof.ts";

const input: ProofInput = {
  nonce: Uint8Array.from({ length: 16 }, (_, index) => index),
  authority: "edge.example.com:8443",
  path: "/.well-known/isthmus/tunnel",
  createdS: 1_767_323_045,
  keyId: "5f00ab",
};
let keyPair: CryptoKeyPair;

beforeAll(async () => {
  keyPair = await generateKeyPair();
});

test("the signature base is RFC 9421's", () => {
  expect(new TextDecoder().decode(proofSignatureBase(input))).toBe(
    '"@authority": edge.example.com:8443\n' +
      '"@path": /.well-known/isthmus/tunnel\n' +
      '"@signature-params": ("@authority" "@path");created=1767323045;nonce="AAECAwQFBgcICQoLDA0ODw"' +
      ';alg="ecdsa-p256-sha256";keyid="5f00ab";tag="isthmus-tunnel"',
  );
});

test("a proof holds for its key and input", async () => {
  const signature = await signProof(keyPair.privateKey, input);
  expect(signature).toHaveLength(64);
  expect(await verifyProof(keyPair.publicKey, signature, input)).toBe(true);
});

test.each<[string, Partial<ProofInput>]>([
  ["nonce", { nonce: new Uint8Array(16) }],
  ["authority", { authority: "other.example.com:8443" }],
  ["path", { path: "/.well-known/isthmus/tunnels" }],
  ["time", { createdS: 1_767_323_046 }],
  ["certificate", { keyId: "5f00ac" }],
])("a proof does not hold for another %s", async (_name, change) => {
  const signature = await signProof(keyPair.privateKey, input);
  expect(await verifyProof(keyPair.publicKey, signature, { ...input, ...change })).toBe(false);
});

test("a proof of another key does not hold", async () => {
  const other = await generateKeyPair();
  expect(await verifyProof(keyPair.publicKey, await signProof(other.privateKey, input), input)).toBe(false);
});

test.each([0, 63, 65])("a signature of %d bytes does not hold", async (length) => {
  expect(await verifyProof(keyPair.publicKey, new Uint8Array(length), input)).toBe(false);
});

test.each<[string, Partial<ProofInput>]>([
  ["a line feed in the authority", { authority: 'a\n"@path": /b' }],
  ["a line feed in the path", { path: "/a\nb" }],
  ["a quote in the key id", { keyId: '5f";tag="x' }],
  ["a short nonce", { nonce: new Uint8Array(15) }],
  ["a fraction of a second", { createdS: 1.5 }],
])("%s is refused, not signed", async (_name, change) => {
  await expect(signProof(keyPair.privateKey, { ...input, ...change })).rejects.toMatchObject({
    code: "proof_invalid",
  });
});
