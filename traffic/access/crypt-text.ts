// The base64 of crypt(3): an alphabet and an order of its own, the lowest six bits first.
const alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** `count` characters for the lowest bits of `value`. */
export function cryptText(value: number, count: number): string {
  return Array.from({ length: count }, (_, index) => alphabet[(value >> (6 * index)) & 63]).join("");
}

/** Of three bytes, the first of which is the highest. */
export const cryptTriple = (hash: Uint8Array, first: number, second: number, third: number): string =>
  cryptText((hash[first]! << 16) | (hash[second]! << 8) | hash[third]!, 4);
