// What consistent hashing makes of a client's text: a number of our own making, or that of HAProxy's `hash-type`
// (configuration manual §4.2), so that clients stay with their servers when a haproxy.cfg moves here.
import type { ConsistentHashPolicy, HashType } from "#contract/backend-policy.ts";
import { toBytes } from "#contract/text/bytes.ts";
import { checksum } from "#contract/text/checksum.ts";
import { parseIpv4, parseIpv6 } from "../forwarding/ip-address.ts";
import { hashText } from "./hash-text.ts";

/** From the text of `compileKeySource` to an unsigned 32-bit number. */
export function compileHashKey({
  type,
  hashType,
}: Pick<ConsistentHashPolicy, "type" | "hashType">): (text: string) => number {
  if (!hashType) return hashText;
  const hash = type === "SourceIP" ? hashAddress : hashFunction(hashType.function);
  return hashType.avalanche ? (text) => avalanche(hash(text)) : hash;
}

/** `balance source` knows no function: the words of the address, one over the other. */
function hashAddress(text: string): number {
  const words = parseIpv6(text) ?? [parseIpv4(text) ?? 0];
  return words.reduce((hash, word) => hash ^ word, 0) >>> 0;
}

function hashFunction(name: HashType["function"]): (text: string) => number {
  switch (name) {
    case "WT6":
      return (text) => wt6(toBytes(text));
    case "None":
      return readNumber;
    default:
      return (text) => Number(checksum(name, toBytes(text), 0));
  }
}

/** Digits in front, as a 32-bit number. */
function readNumber(text: string): number {
  const digits = /^[+-]?[0-9]{1,19}/.exec(text)?.[0];
  return digits === undefined ? 0 : Number(BigInt.asUintN(32, BigInt(digits.replace("+", ""))));
}

/** Bob Jenkins' full avalanche of a 32-bit number, times a prime close to three quarters of the range. */
export function avalanche(value: number): number {
  let a = value | 0;
  a = (a + 0x7ed55d16 + (a << 12)) | 0;
  a = a ^ 0xc761c23c ^ (a >>> 19);
  a = (a + 0x165667b1 + (a << 5)) | 0;
  a = ((a + 0xd3a2646c) | 0) ^ (a << 9);
  a = (a + 0xfd7046c5 + (a << 3)) | 0;
  a = a ^ 0xb55a4f09 ^ (a >>> 16);
  return Math.imul(a, 0xc0000001) >>> 0;
}

/** Two words turn each other by what they are made of so far. */
function wt6(bytes: Uint8Array): number {
  const rotate = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));
  let [first, second] = [0xa53c965a | 0, 0x5ca6953a | 0];
  let [left, right] = [6, 18];
  for (const byte of bytes) {
    const [flipped, added] = [~(first ^ byte), ~(second + byte)];
    first = rotate(added, left);
    second = rotate(flipped, right);
    const mixed = ((first >>> 16) ^ second) & 0xffff;
    left = mixed & 31;
    right = mixed >>> 11;
  }
  return (first ^ second) >>> 0;
}
