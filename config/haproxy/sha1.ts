// SHA-1 (RFC 3174) of short texts. The platform's digest is asynchronous, and the way from files to a model is not.

/** The 20 bytes of the digest of a text in UTF-8. */
export function sha1(text: string): Uint8Array {
  const blocks = pad(new TextEncoder().encode(text));
  const hash = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  const words = new Uint32Array(80);
  for (let offset = 0; offset < blocks.byteLength; offset += 64) {
    for (let index = 0; index < 16; index += 1) words[index] = blocks.getUint32(offset + 4 * index);
    for (let index = 16; index < 80; index += 1) {
      words[index] = rotate(
        words[index - 3]! ^ words[index - 8]! ^ words[index - 14]! ^ words[index - 16]!,
        1,
      );
    }
    const block = compress(words, hash);
    for (const [index, value] of block.entries()) hash[index] = (hash[index]! + value) >>> 0;
  }
  const digest = new DataView(new ArrayBuffer(20));
  for (const [index, value] of hash.entries()) digest.setUint32(4 * index, value);
  return new Uint8Array(digest.buffer);
}

/** The message, a bit, zeros, and the length in bits (§4). */
function pad(message: Uint8Array): DataView {
  const blocks = new Uint8Array(Math.ceil((message.length + 9) / 64) * 64);
  blocks.set(message);
  blocks[message.length] = 0x80;
  const view = new DataView(blocks.buffer);
  view.setUint32(blocks.length - 4, message.length * 8);
  return view;
}

/** The eighty steps on one block (§6.1). */
function compress(words: Uint32Array, hash: readonly number[]): number[] {
  let [a, b, c, d, e] = hash as [number, number, number, number, number];
  for (let step = 0; step < 80; step += 1) {
    const [mix, constant] =
      step < 20
        ? [(b & c) | (~b & d), 0x5a827999]
        : step < 40
          ? [b ^ c ^ d, 0x6ed9eba1]
          : step < 60
            ? [(b & c) | (b & d) | (c & d), 0x8f1bbcdc]
            : [b ^ c ^ d, 0xca62c1d6];
    const next = (rotate(a, 5) + mix! + e + words[step]! + constant!) >>> 0;
    [e, d, c, b, a] = [d, c, rotate(b, 30), a, next];
  }
  return [a, b, c, d, e];
}

function rotate(value: number, bits: number): number {
  return ((value << bits) | (value >>> (32 - bits))) >>> 0;
}
