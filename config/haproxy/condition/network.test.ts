import { expect, test } from "vitest";
import { maskBits, readNetwork } from "./network.ts";

test.each([
  ["10.0.0.0/8", "10.0.0.0/8"],
  ["10.0.0.0/255.255.0.0", "10.0.0.0/16"],
  ["0.0.0.0/0.0.0.0", "0.0.0.0/0"],
  ["2001:db8::/32", "2001:db8::/32"],
])("%s is the network %s", (pattern, network) => {
  expect(readNetwork(pattern)).toBe(network);
});

test.each(["10.0.0.0/255.0.255.0", "10.0.0.0/8/8", "10.0.0.0/33", "2001:db8::/255.0.0.0", "office"])(
  "%s is none",
  (pattern) => {
    expect(() => readNetwork(pattern)).toThrow(/expected a network/);
  },
);

test("masks", () => {
  expect(["255.255.255.255", "255.255.254.0", "0.0.0.0", "255.0.0.1", "24", "::"].map(maskBits)).toEqual([
    32,
    23,
    0,
    undefined,
    undefined,
    undefined,
  ]);
});
