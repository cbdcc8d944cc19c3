// Host header parsing: what is a host, and what is refused.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseHost } from "./host.ts";

const label63 = "a".repeat(63);

test.each<[header: string, hostname: string, port?: number]>([
  ["example.com", "example.com"],
  ["Example.COM:8080", "example.com", 8080],
  ["example.com.", "example.com"],
  ["example.com.:443", "example.com", 443],
  ["example.com:", "example.com"],
  ["localhost", "localhost"],
  ["my_service.local", "my_service.local"],
  ["192.0.2.1:80", "192.0.2.1", 80],
  ["[::1]", "[::1]"],
  ["[2001:DB8::1]:8443", "[2001:db8::1]", 8443],
  ["[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]"],
  [`${label63}.test`, `${label63}.test`],
  ["xn--bcher-kva.example", "xn--bcher-kva.example"],
])("%j is %s port %s", (header, hostname, port) => {
  expect(parseHost(header)).toEqual(port === undefined ? { hostname } : { hostname, port });
});

test.each([
  "",
  ".",
  "a..b",
  ".example.com",
  "example.com..",
  "user@example.com",
  "user:pw@example.com",
  "example.com/path",
  "example.com?x",
  "exa mple.com",
  " example.com",
  "example.com\t",
  "example.com\r\nx: y",
  "example.com\u0000",
  "a,b",
  "bücher.example",
  "%65xample.com",
  "*.example.com",
  "example.com:0",
  "example.com:65536",
  "example.com:999999",
  "example.com:80:80",
  "example.com:+80",
  "example.com:8 0",
  "::1",
  "[::1",
  "[::1]x",

  "[fe80::1%25eth0]",
  "[1.2.3.4]",
  "[:::]",
  "[1:2:3:4:5:6:7]",
  `${label63}a.test`,
  `${"a.".repeat(127)}a`,
  "a".repeat(100_000),
])("%j is refused", (header) => {
  expect(parseHost(header)).toBeUndefined();
});

const piece = fc.constantFrom(
  "a",
  "A",
  "0",
  "-",
  "_",
  ".",
  ":",
  "80",
  "[",
  "]",
  "::",
  "%",
  "@",
  "/",
  " ",
  "ü",
  "\u0000",
);

test("any text: no exception, and what is accepted is stable", { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
      const parsed = parseHost(pieces.join(""));
      if (parsed) expect(parseHost(parsed.hostname)).toEqual({ hostname: parsed.hostname });
    }),
    { numRuns: 1_000 },
  );
});
