// Addresses and networks of both families.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { cidrContains, compileCidrSet, parseCidr } from "./cidr.ts";
import { bareAddress, parseIpAddress } from "./ip-address.ts";

test.each<[cidr: string, address: string, inside: boolean]>([
  ["10.0.0.0/8", "10.255.0.1", true],
  ["10.0.0.0/8", "11.0.0.1", false],
  ["192.168.1.77/24", "192.168.1.1", true],
  ["192.0.2.1", "192.0.2.1", true],
  ["192.0.2.1", "192.0.2.2", false],
  ["0.0.0.0/0", "203.0.113.1", true],
  ["0.0.0.0/0", "2001:db8::1", false],
  ["255.255.255.255/32", "255.255.255.255", true],
  ["128.0.0.0/1", "200.1.1.1", true],
  ["2001:db8::/32", "2001:db8:ffff::1", true],
  ["2001:db8::/32", "2001:db9::", false],
  ["2001:db8::/33", "2001:db8:8000::", false],
  ["::/0", "2001:db8::1", true],
  ["::/0", "10.0.0.1", true],
  ["::1", "::1", true],
  ["10.0.0.0/8", "::ffff:10.1.1.1", true],
  ["::ffff:10.0.0.0/104", "10.1.1.1", true],
  ["fe80::/10", "febf::1", true],
  ["fe80::/10", "fec0::1", false],
])("%s contains %s: %s", (cidr, address, inside) => {
  expect(cidrContains(parseCidr(cidr)!, parseIpAddress(address)!)).toBe(inside);
});

test.each([
  "",
  "10.0.0.0/33",
  "10.0.0.0/-1",
  "10.0.0.0/08",
  "10.0.0/8",
  "10.0.0.256",
  "010.0.0.1",
  "1.2.3.4.5",
  "0x7f.0.0.1",
  "2001:db8::/129",
  "1::2::3",
  ":::",
  "12345::",
  "1:2:3:4:5:6:7:8:9",
  "::1/",
  "::1/x",
  "example.com",
  "1.2.3.4/8/8",
])("%j is no network", (text) => {
  expect(parseCidr(text)).toBeUndefined();
});

test("malformed members of a set contain nothing", () => {
  const set = compileCidrSet(["nonsense", "10.0.0.0/8"]);
  expect(set.size).toBe(1);
  expect(set.contains(parseIpAddress("10.0.0.1")!)).toBe(true);
});

test.each<[text: string, address: string | undefined]>([
  ["1.2.3.4", "1.2.3.4"],
  [" 1.2.3.4:80 ", "1.2.3.4"],
  ["1.2.3.4:65535", "1.2.3.4"],
  ["1.2.3.4:", undefined],
  ["1.2.3.4:123456", undefined],
  ["1.2.3.4:80x", undefined],
  ["1..2.3", undefined],
  ["1.2.3.", undefined],
  ["01.2.3.4:80", undefined],
  ["[2001:DB8::1]:80", "2001:db8::1"],
  ['"[2001:db8::1]"', "2001:db8::1"],
  ["2001:db8::1", "2001:db8::1"],
  ["fe80::1%eth0", "fe80::1"],
  ["unknown", undefined],
  ["_hidden", undefined],
  ["1.2.3.4, 5.6.7.8", undefined],
  ["1.2.3.4\r\nx: y", undefined],
  ["", undefined],
])("%j is the address %j", (text, address) => {
  expect(bareAddress(text)).toBe(address);
});

test("every address is in its own network of any length, and out of it when a bit of the prefix flips", () => {
  const word = fc.integer({ min: 0, max: 0xffff });
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 8, maxLength: 8 }),
      fc.integer({ min: 1, max: 128 }),
      (groups, bits) => {
        const text = groups.map((group) => group.toString(16)).join(":");
        const cidr = parseCidr(`${text}/${bits}`)!;
        expect(cidrContains(cidr, parseIpAddress(text)!)).toBe(true);
        const flipped = [...groups];
        const bit = bits - 1;
        flipped[bit >> 4] = flipped[bit >> 4]! ^ (1 << (15 - (bit & 15)));
        const other = parseIpAddress(flipped.map((group) => group.toString(16)).join(":"))!;
        expect(cidrContains(cidr, other)).toBe(false);
      },
    ),
  );
});
