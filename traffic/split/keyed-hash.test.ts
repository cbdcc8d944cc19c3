import { expect, test } from "vitest";
import { keyedHash } from "./keyed-hash.ts";

const key = [0x03020100, 0x07060504] as const;
/** The bytes 0, 1, 2, …, two per code unit. */
const counting = (bytes: number) =>
  Array.from({ length: bytes / 2 }, (_, n) => String.fromCharCode((2 * n) | ((2 * n + 1) << 8))).join("");

// vectors_hsip32 of the reference implementation; text has an even number of bytes.
test.each([
  [0, 0x5b9f35a9],
  [2, 0x03a662fa],
  [4, 0x89466e2a],
  [6, 0x23fc6358],
  [8, 0x8f84b8d0],
  [10, 0x3479b094],
  [12, 0x2f87f057],
  [14, 0x7cf8ffd6],
  [16, 0x84acb5d9],
])("the reference vector of %d bytes", (bytes, expected) => {
  expect(keyedHash(key, counting(bytes))).toBe(expected);
});

test("another key, another hash", () => {
  expect(keyedHash([1, 2], "alice")).not.toBe(keyedHash([1, 3], "alice"));
});
