// HalfSipHash-2-4 (Aumasson and Bernstein): a keyed 32-bit hash of text, so that a client cannot compute which bucket an
// identity of its choice falls into. Not a signature: for that, see balance/session-token.ts.

/** 64 bits of key as two 32-bit words. */
export type HashKey = readonly [number, number];

const left = (value: number, bits: number) => (value << bits) | (value >>> (32 - bits));

/** Unsigned 32-bit hash over the text's UTF-16 code units, each two bytes, little-endian. */
export function keyedHash(key: HashKey, text: string): number {
  const [k0, k1] = key;
  let v0 = k0;
  let v1 = k1;
  let v2 = 0x6c796765 ^ k0;
  let v3 = 0x74656462 ^ k1;
  const round = () => {
    v0 = (v0 + v1) | 0;
    v1 = left(v1, 5) ^ v0;
    v0 = left(v0, 16);
    v2 = (v2 + v3) | 0;
    v3 = left(v3, 8) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = left(v3, 7) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = left(v1, 13) ^ v2;
    v2 = left(v2, 16);
  };
  const absorb = (word: number) => {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  };

  const pairs = text.length & ~1;
  for (let index = 0; index < pairs; index += 2) {
    absorb(text.charCodeAt(index) | (text.charCodeAt(index + 1) << 16));
  }
  // The last word carries the length in bytes and what is left of the text.
  absorb(((text.length * 2) << 24) | (pairs < text.length ? text.charCodeAt(pairs) : 0));
  v2 ^= 0xff;
  for (let n = 0; n < 4; n++) round();
  return (v1 ^ v3) >>> 0;
}
