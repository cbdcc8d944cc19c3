import { expect, test } from "vitest";
import { includesNetwork } from "./address.ts";

test.each([
  ["10.0.0.0/8", "10.1.0.0/16", true],
  ["10.1.0.0/16", "10.0.0.0/8", false],
  ["10.0.0.0/8", "10.0.0.1", true],
  ["10.0.0.1", "10.0.0.1/32", true],
  ["0.0.0.0/0", "192.0.2.1", true],
  ["::/0", "192.0.2.1", true],
  ["0.0.0.0/0", "2001:db8::1", false],
  ["2001:db8::/32", "2001:db8:1::/48", true],
  ["2001:db8::/32", "2001:db9::1", false],
  ["::ffff:10.0.0.0/104", "10.1.2.3", true],
  ["2001:db8::/33", "2001:db8:8000::/33", false],
  ["none", "10.0.0.1", false],
])("%s includes %s: %s", (outer, inner, expected) => {
  expect(includesNetwork(outer, inner)).toBe(expected);
});
