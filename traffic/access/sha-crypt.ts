// SHA crypt ("Unix crypt using SHA-256 and SHA-512", Drepper): what mkpasswd writes, and passwords of a userlist in a
// haproxy.cfg.
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { cryptText, cryptTriple } from "./crypt-text.ts";

type Digest = typeof sha256 | typeof sha512;

/** The 43 characters (SHA-256, `$5$`) or 86 (SHA-512, `$6$`) behind the salt. */
export function shaCrypt(
  password: Uint8Array,
  bits: 256 | 512,
  { salt, rounds }: { readonly salt: string; readonly rounds: number },
): string {
  const digest = bits === 256 ? sha256 : sha512;
  const saltBytes = utf8ToBytes(salt);
  let hash = firstHash(digest, password, saltBytes);
  // Both are spread by digests of themselves, so that a round costs the same whatever they are.
  const spreadPassword = spread(digest, password, password.length, password.length);
  const spreadSalt = spread(digest, saltBytes, 16 + hash[0]!, saltBytes.length);
  for (let round = 0; round < rounds; round += 1) {
    const isOdd = round % 2 === 1;
    const state = digest.create().update(isOdd ? spreadPassword : hash);
    if (round % 3 !== 0) state.update(spreadSalt);
    if (round % 7 !== 0) state.update(spreadPassword);
    hash = state.update(isOdd ? hash : spreadPassword).digest();
  }
  return bits === 256 ? encode256(hash) : encode512(hash);
}

function firstHash(digest: Digest, password: Uint8Array, salt: Uint8Array): Uint8Array {
  const inner = digest(concatBytes(password, salt, password));
  const state = digest.create().update(password).update(salt).update(repeated(inner, password.length));
  for (let bits = password.length; bits > 0; bits >>= 1) state.update(bits & 1 ? inner : password);
  return state.digest();
}

/** The digest of `times` times `bytes`, repeated to `length`. */
function spread(digest: Digest, bytes: Uint8Array, times: number, length: number): Uint8Array {
  const state = digest.create();
  for (let time = 0; time < times; time += 1) state.update(bytes);
  return repeated(state.digest(), length);
}

function repeated(bytes: Uint8Array, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => bytes[index % bytes.length]!);
}

/** Three bytes that lie a third apart become four characters; with each triple another one of the three leads. */
function encode256(hash: Uint8Array): string {
  let text = "";
  for (let index = 0; index < 10; index += 1) {
    const triple = [index, index + 10, index + 20];
    const lead = (3 - (index % 3)) % 3;
    text += cryptTriple(hash, triple[lead]!, triple[(lead + 1) % 3]!, triple[(lead + 2) % 3]!);
  }
  return text + cryptText((hash[31]! << 8) | hash[30]!, 3);
}

function encode512(hash: Uint8Array): string {
  let text = "";
  for (let index = 0; index < 21; index += 1) {
    const triple = [index, index + 21, index + 42];
    const lead = index % 3;
    text += cryptTriple(hash, triple[lead]!, triple[(lead + 1) % 3]!, triple[(lead + 2) % 3]!);
  }
  return text + cryptText(hash[63]!, 2);
}
