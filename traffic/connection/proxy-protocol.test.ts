import * as fc from "fast-check";
import { expect, test } from "vitest";
import { encodeProxyHeader, type ProxiedConnection, readProxyHeader } from "./proxy-protocol.ts";

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const signature = "\r\n\r\n\0\r\nQUIT\n";
const four = "\xc0\x00\x02\x01\xcb\x00\x71\x07\x13\x88\x01\xbb";

const headers: [name: string, header: string, connection: ProxiedConnection][] = [
  [
    "version 1, IPv4",
    "PROXY TCP4 192.0.2.1 203.0.113.7 5000 443\r\n",
    { source: { address: "192.0.2.1", port: 5000 }, destination: { address: "203.0.113.7", port: 443 } },
  ],
  [
    "version 1, IPv6",
    "PROXY TCP6 2001:DB8::1 ::1 0 65535\r\n",
    { source: { address: "2001:db8::1", port: 0 }, destination: { address: "::1", port: 65_535 } },
  ],
  ["version 1, unknown", "PROXY UNKNOWN\r\n", {}],
  ["version 1, unknown with fields", "PROXY UNKNOWN ffff:f...f:ffff a b c\r\n", {}],
  [
    "version 2, IPv4",
    `${signature}\x21\x11\x00\x0c${four}`,
    { source: { address: "192.0.2.1", port: 5000 }, destination: { address: "203.0.113.7", port: 443 } },
  ],
  [
    "version 2, with a server name behind another value",
    `${signature}\x21\x11\x00\x19${four}\x04\x00\x02ab\x02\x00\x05A.com`,
    {
      source: { address: "192.0.2.1", port: 5000 },
      destination: { address: "203.0.113.7", port: 443 },
      serverName: "a.com",
    },
  ],
  ["version 2, local", `${signature}\x20\x00\x00\x00`, {}],
  ["version 2, local with addresses", `${signature}\x20\x11\x00\x0c${four}`, {}],
  ["version 2, a Unix socket", `${signature}\x21\x31\x00\xd8${"a".repeat(216)}`, {}],
];

test.each(headers)("%s, whatever follows", (_name, header, connection) => {
  const expected = { type: "header", lengthBytes: header.length, connection };
  expect(readProxyHeader(latin1(header))).toEqual(expected);
  expect(readProxyHeader(latin1(`${header}PROXY and more`))).toEqual(expected);
  for (let end = 0; end < header.length; end += 1) {
    expect(readProxyHeader(latin1(header.slice(0, end))).type).toBe("incomplete");
  }
});

test.each([["GET / HTTP/1.1\r\n"], ["PROXX"], ["\r\n\r\nX"], ["\x16\x03\x01"]])("absent: %j", (bytes) => {
  expect(readProxyHeader(latin1(bytes))).toEqual({ type: "absent" });
});

test.each([
  ["PROXY TCP4 192.0.2.1 203.0.113.7 5000\r\n"],
  ["PROXY TCP4 192.0.2.1 203.0.113.7 5000 443 1\r\n"],
  ["PROXY TCP4  192.0.2.1 203.0.113.7 5000 443\r\n"],
  ["PROXY TCP4 192.0.2.01 203.0.113.7 5000 443\r\n"],
  ["PROXY TCP4 ::1 ::1 5000 443\r\n"],
  ["PROXY TCP6 192.0.2.1 203.0.113.7 5000 443\r\n"],
  ["PROXY TCP4 192.0.2.1 203.0.113.7 65536 443\r\n"],
  ["PROXY TCP4 192.0.2.1 203.0.113.7 +1 443\r\n"],
  ["PROXY UDP4 192.0.2.1 203.0.113.7 5000 443\r\n"],
  [`PROXY TCP4 ${" ".repeat(200)}`],
  [`${signature}\x11\x11\x00\x0c${four}`],
  [`${signature}\x22\x11\x00\x0c${four}`],
  [`${signature}\x21\x11\x00\x0b${four}`],
  [`${signature}\x21\x11\xff\xff${four}`],
  [`${signature}\x21\x11\x00\x0e${four}\x02\x00`],
  [`${signature}\x21\x11\x00\x0f${four}\x02\x00\x01`],
])("refused: %j", (bytes) => {
  expect(readProxyHeader(latin1(bytes)).type).toBe("invalid");
});

const place = (addresses: fc.Arbitrary<string>) =>
  fc.record({ address: addresses, port: fc.nat({ max: 65_535 }) });
const connections = fc.oneof(
  fc.record({ source: place(fc.ipV4()), destination: place(fc.ipV4()) }),
  fc.record({ source: place(fc.ipV6()), destination: place(fc.ipV6()) }),
);
const canonical = ({ address, port }: { address: string; port: number }) => ({
  address: address.includes(":") ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address,
  port,
});

test("what is written is read again", () => {
  fc.assert(
    fc.property(connections, fc.constantFrom("V1" as const, "V2" as const), (connection, version) => {
      const header = encodeProxyHeader(version, connection);
      const result = readProxyHeader(header);
      expect(result).toEqual({
        type: "header",
        lengthBytes: header.length,
        connection: {
          source: canonical(connection.source),
          destination: canonical(connection.destination),
        },
      });
    }),
  );
});

test("one family for both addresses, a server name in version 2, and nothing known", () => {
  const mixed = {
    source: { address: "192.0.2.1", port: 1 },
    destination: { address: "2001:db8::1", port: 2 },
    serverName: "a.com",
  };
  expect(String.fromCharCode(...encodeProxyHeader("V1", mixed))).toBe(
    "PROXY TCP6 ::ffff:c000:201 2001:db8::1 1 2\r\n",
  );
  expect(readProxyHeader(encodeProxyHeader("V2", mixed))).toMatchObject({
    connection: { ...mixed, source: { address: "::ffff:c000:201", port: 1 } },
  });
  expect(String.fromCharCode(...encodeProxyHeader("V1", {}))).toBe("PROXY UNKNOWN\r\n");
  expect(readProxyHeader(encodeProxyHeader("V2", {}))).toEqual({
    type: "header",
    lengthBytes: 16,
    connection: {},
  });
});

test("no bytes make it throw", () => {
  const start = fc
    .constantFrom("", "PROXY TCP4 ", `${signature}\x21\x11`, `${signature}\x21\x21`)
    .map(latin1);
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 200 }), (prefix, rest) => {
      readProxyHeader(Uint8Array.from([...prefix, ...rest]));
    }),
    { numRuns: 5_000 },
  );
});
