// Apache's variant of the MD5 crypt (apr_md5_encode of APR): what htpasswd writes unless it is told otherwise.
import { md5 } from "@noble/hashes/legacy.js";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";

const alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const rounds = 1_000;

/** The 22 characters behind `$apr1$salt$`. */
export function apr1(password: Uint8Array, salt: string): string {
  const saltBytes = utf8ToBytes(salt);
  const inner = md5(concatBytes(password, saltBytes, password));
  const filler = Array.from({ length: Math.ceil(password.length / 16) }, () => inner);
  const first: Uint8Array[] = [
    password,
    utf8ToBytes("$apr1$"),
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
    const last = index === 4 ? 5 : index + 12;
    text += characters((hash[index]! << 16) | (hash[index + 6]! << 8) | hash[last]!, 4);
  }
  return text + characters(hash[11]!, 2);
}

function characters(value: number, count: number): string {
  return Array.from({ length: count }, (_, index) => alphabet[(value >> (6 * index)) & 63]).join("");
}
