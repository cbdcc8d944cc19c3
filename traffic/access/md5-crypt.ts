// MD5 crypt of FreeBSD, and Apache's variant (apr_md5_encode of APR), which differs by its name alone: what htpasswd
// writes unless it is told otherwise.
import { md5 } from "@noble/hashes/legacy.js";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { cryptText, cryptTriple } from "./crypt-text.ts";

const rounds = 1_000;

/** The 22 characters behind the salt of `$apr1$salt$` or `$1$salt$`. */
export function md5Crypt(password: Uint8Array, prefix: "$apr1$" | "$1$", salt: string): string {
  const saltBytes = utf8ToBytes(salt);
  const inner = md5(concatBytes(password, saltBytes, password));
  const filler = Array.from({ length: Math.ceil(password.length / 16) }, () => inner);
  const first: Uint8Array[] = [
    password,
    utf8ToBytes(prefix),
    saltBytes,
    concatBytes(...filler).subarray(0, password.length),
  ];
  // One byte for each bit of the length: a zero, or the first of the password.
  for (let bits = password.length; bits > 0; bits >>= 1) {
    first.push(bits & 1 ? Uint8Array.of(0) : password.subarray(0, 1));
  }
  let hash = md5(concatBytes(...first));
  for (let round = 0; round < rounds; round += 1) {
    const parts = [round & 1 ? password : hash];
    if (round % 3 !== 0) parts.push(saltBytes);
    if (round % 7 !== 0) parts.push(password);
    parts.push(round & 1 ? hash : password);
    hash = md5(concatBytes(...parts));
  }
  return encode(hash);
}

/** Three bytes become four characters, in an order of their own; the one that is left, two. */
function encode(hash: Uint8Array): string {
  let text = "";
  for (let index = 0; index < 5; index += 1) {
    text += cryptTriple(hash, index, index + 6, index === 4 ? 5 : index + 12);
  }
  return text + cryptText(hash[11]!, 2);
}
