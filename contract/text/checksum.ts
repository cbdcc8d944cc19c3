// Checksums and hash functions for tables. They keep nothing secret.
import type { ChecksumAlgorithm } from "../text-transform.ts";

/** Unsigned. */
export function checksum(algorithm: ChecksumAlgorithm, bytes: Uint8Array, seed: number): bigint {
  switch (algorithm) {
    case "CRC32":
      return BigInt(crc(crc32Table(), bytes));
    case "CRC32C":
      return BigInt(crc(crc32cTable(), bytes));
    case "DJB2":
      return BigInt(bytes.reduce((hash, byte) => (Math.imul(hash, 33) + byte) >>> 0, 5381));
    case "SDBM":
      return BigInt(bytes.reduce((hash, byte) => (byte + (hash << 6) + (hash << 16) - hash) >>> 0, 0));
    case "XXH32":
      return BigInt(xxh32(bytes, seed));
    case "XXH64":
      return xxh64(bytes, BigInt(seed));
  }
}

/** The tables are made when first asked for, once. */
const crc32Table = lazyTable(0xedb88320);
const crc32cTable = lazyTable(0x82f63b78);

function lazyTable(polynomial: number): () => Uint32Array {
  let table: Uint32Array | undefined;
  return () =>
    (table ??= Uint32Array.from({ length: 256 }, (_, index) => {
      let value = index;
      for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
      return value;
    }));
}

function crc(table: Uint32Array, bytes: Uint8Array): number {
  let value = 0xffff_ffff;
  for (const byte of bytes) value = table[(value ^ byte) & 0xff]! ^ (value >>> 8);
  return ~value >>> 0;
}

// https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
const p32 = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1] as const;

const rotate32 = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));

function xxh32(bytes: Uint8Array, seed: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  let hash = (seed + p32[4]) | 0;
  if (bytes.length >= 16) {
    const lanes = [seed + p32[0] + p32[1], seed + p32[1], seed, seed - p32[0]].map((lane) => lane | 0);
    for (; at + 16 <= bytes.length; at += 16) {
      for (const [index, lane] of lanes.entries()) {
        const mixed = (lane + Math.imul(view.getUint32(at + 4 * index, true), p32[1])) | 0;
        lanes[index] = Math.imul(rotate32(mixed, 13), p32[0]);
      }
    }
    hash = [1, 7, 12, 18].reduce((sum, bits, index) => (sum + rotate32(lanes[index]!, bits)) | 0, 0);
  }
  hash = (hash + bytes.length) | 0;
  for (; at + 4 <= bytes.length; at += 4) {
    hash = Math.imul(rotate32((hash + Math.imul(view.getUint32(at, true), p32[2])) | 0, 17), p32[3]);
  }
  for (; at < bytes.length; at += 1) {
    hash = Math.imul(rotate32((hash + Math.imul(bytes[at]!, p32[4])) | 0, 11), p32[0]);
  }
  hash = Math.imul(hash ^ (hash >>> 15), p32[1]);
  hash = Math.imul(hash ^ (hash >>> 13), p32[2]);
  return (hash ^ (hash >>> 16)) >>> 0;
}

const p64 = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
] as const;

const wrap = (value: bigint): bigint => BigInt.asUintN(64, value);
const rotate64 = (value: bigint, bits: bigint): bigint => wrap((value << bits) | (value >> (64n - bits)));
const round64 = (lane: bigint, input: bigint): bigint =>
  wrap(rotate64(wrap(lane + input * p64[1]), 31n) * p64[0]);

function xxh64(bytes: Uint8Array, seed: bigint): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  let hash = wrap(seed + p64[4]);
  if (bytes.length >= 32) {
    const lanes = [seed + p64[0] + p64[1], seed + p64[1], seed, seed - p64[0]].map(wrap);
    for (; at + 32 <= bytes.length; at += 32) {
      for (const [index, lane] of lanes.entries()) {
        lanes[index] = round64(lane, view.getBigUint64(at + 8 * index, true));
      }
    }
    hash = [1n, 7n, 12n, 18n].reduce((sum, bits, index) => wrap(sum + rotate64(lanes[index]!, bits)), 0n);
    for (const lane of lanes) hash = wrap((hash ^ round64(0n, lane)) * p64[0] + p64[3]);
  }
  hash = wrap(hash + BigInt(bytes.length));
  for (; at + 8 <= bytes.length; at += 8) {
    hash = wrap(rotate64(hash ^ round64(0n, view.getBigUint64(at, true)), 27n) * p64[0] + p64[3]);
  }
  if (at + 4 <= bytes.length) {
    hash = wrap(rotate64(hash ^ wrap(BigInt(view.getUint32(at, true)) * p64[0]), 23n) * p64[1] + p64[2]);
    at += 4;
  }
  for (; at < bytes.length; at += 1) {
    hash = wrap(rotate64(hash ^ wrap(BigInt(bytes[at]!) * p64[4]), 11n) * p64[0]);
  }
  hash = wrap((hash ^ (hash >> 33n)) * p64[1]);
  hash = wrap((hash ^ (hash >> 29n)) * p64[2]);
  return hash ^ (hash >> 32n);
}
