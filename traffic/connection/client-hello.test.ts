import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  helloMessage,
  type HelloParts,
  protocolsData,
  records,
  serverNameData,
  u16,
} from "./client-hello.fixture.ts";
import { ClientHelloReader, type HelloResult } from "./client-hello.ts";

const read = (bytes: Uint8Array): HelloResult => new ClientHelloReader().push(bytes);
const hello = (parts: HelloParts): HelloResult => read(records(helloMessage(parts)));
const named = (serverName: string | undefined, protocols: string[] = []): HelloResult => ({
  type: "hello",
  serverName,
  protocols,
  version: 0x0303,
});

test.each([
  ["shop.example.com", "shop.example.com"],
  ["Shop.EXAMPLE.com", "shop.example.com"],
  ["a", "a"],
  ["under_score.example.com", "under_score.example.com"],
  ["a".repeat(63), "a".repeat(63)],
])("the server name %s is %s", (sent, found) => {
  expect(hello({ serverName: sent })).toEqual(named(found));
});

test("no server name, and no extensions at all (TLS 1.2)", () => {
  expect(hello({})).toEqual(named(undefined));
  const message = helloMessage({ extensions: [] }).slice(0, -2);
  message[3]! -= 2;
  expect(read(records(message))).toEqual(named(undefined));
});

test("the protocols are those that the client offers, in its order, whatever octets they are of", () => {
  const protocols = ["http/1.1", "isthmus-hub/0", "\x0a\x0a\xff", "p".repeat(255)];
  expect(hello({ serverName: "a.com", protocols })).toEqual(named("a.com", protocols));
});

test("whatever the records and the pieces, the name is the same", () => {
  const message = helloMessage({ serverName: "shop.example.com", protocols: ["h2", "http/1.1"] });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 300 }),
      fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 400 }),
      (recordBytes, pieces) => {
        const bytes = records(message, recordBytes);
        const reader = new ClientHelloReader();
        let result: HelloResult = { type: "incomplete" };
        let at = 0;
        for (const piece of [...pieces, bytes.length]) {
          if (result.type !== "incomplete" || at >= bytes.length) break;
          result = reader.push(bytes.subarray(at, at + piece));
          at += piece;
        }
        expect(result).toEqual(named("shop.example.com", ["h2", "http/1.1"]));
      },
    ),
  );
});

test("every beginning of a hello is incomplete, and never more", () => {
  const bytes = records(helloMessage({ serverName: "shop.example.com" }), 40);
  for (let end = 0; end < bytes.length; end += 1) {
    expect(read(bytes.subarray(0, end)).type).toBe("incomplete");
  }
});

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const twoNames = (): number[] => {
  const one = serverNameData("a.com").slice(2);
  return [...u16(2 * one.length), ...one, ...one];
};
const withMessage = (change: (message: number[]) => void): Uint8Array => {
  const message = helloMessage({ serverName: "a.com" });
  change(message);
  return records(message);
};

const withProtocols = (data: number[]): Uint8Array => records(helloMessage({ extensions: [[16, data]] }));

const hostile: [name: string, bytes: Uint8Array, reason: string][] = [
  ["an HTTP request", text("GET / HTTP/1.1\r\n"), "not a TLS handshake"],
  ["SSLv2", Uint8Array.of(0x80, 0x2e, 1, 3, 1), "not a TLS handshake"],
  ["SSL of another major version", Uint8Array.of(22, 2, 0), "not a TLS handshake"],
  ["an alert", Uint8Array.of(21, 3, 1, 0, 2), "not a TLS handshake"],
  ["an empty record", Uint8Array.of(22, 3, 1, 0, 0), "a record of 0 bytes"],
  ["a record beyond the bound", Uint8Array.of(22, 3, 1, 0x40, 0x01), "a record of 16385 bytes"],
  ["a ServerHello", records([2, 0, 0, 4, 1, 2, 3, 4]), "the handshake begins with no ClientHello"],
  ["an empty ClientHello", records([1, 0, 0, 0]), "a ClientHello of 0 bytes"],
  ["a ClientHello of 16 MiB", records([1, 0xff, 0xff, 0xff]), "a ClientHello of 16777215 bytes"],
  [
    "a session id beyond the bound",
    records(helloMessage({ sessionIdBytes: 33 })),
    "a session id of more than 32 bytes",
  ],
  [
    "cipher suites that claim too much",
    withMessage((message) => (message[4 + 35 + 32] = 0xff)),
    "the cipher suites ends early",
  ],
  [
    "extensions that claim too much",
    withMessage((message) => (message[4 + 35 + 32 + 6 + 2] = 0xff)),
    "the extensions ends early",
  ],
  [
    "extensions that claim too little",
    withMessage((message) => (message[4 + 35 + 32 + 6 + 3]! -= 7)),
    "bytes after the extensions",
  ],
  [
    "one extension twice",
    records(
      helloMessage({
        extensions: [
          [0, serverNameData("a.com")],
          [0, serverNameData("b.com")],
        ],
      }),
    ),
    "extension 0 twice",
  ],
  [
    "two names",
    records(helloMessage({ extensions: [[0, twoNames()]] })),
    "a server name list that is not one host name",
  ],
  [
    "a name of another type",
    records(helloMessage({ extensions: [[0, [0, 4, 1, 0, 1, 97]]] })),
    "a server name list that is not one host name",
  ],
  [
    "an empty list of names",
    records(helloMessage({ extensions: [[0, [0, 0]]] })),
    "the server name type ends early",
  ],
  ["an empty list of protocols", withProtocols([0, 0]), "a protocol list without a name"],
  ["a protocol without a name", withProtocols(protocolsData(["h2", ""])), "a protocol list without a name"],
  ["a protocol that claims too much", withProtocols([0, 3, 9, 104, 50]), "the protocol ends early"],
  [
    "bytes after the protocols",
    withProtocols([...protocolsData(["h2"]), 0]),
    "bytes after the protocol list",
  ],
  ["an empty name", records(helloMessage({ serverName: "" })), "a server name that is no host name"],
  [
    "a name with a final dot",
    records(helloMessage({ serverName: "a.com." })),
    "a server name that is no host name",
  ],
  [
    "a name with a zero byte",
    records(helloMessage({ serverName: "a.com\0b.com" })),
    "a server name that is no host name",
  ],
  [
    "a name with a line break",
    records(helloMessage({ serverName: "a.com\r\nb" })),
    "a server name that is no host name",
  ],
  [
    "a name with a wildcard",
    records(helloMessage({ serverName: "*.com" })),
    "a server name that is no host name",
  ],
  [
    "a name of 254 characters",
    records(helloMessage({ serverName: "a.".repeat(126) + "aa" })),
    "a server name that is no host name",
  ],
];

test.each(hostile)("%s", (_name, bytes, reason) => {
  expect(read(bytes)).toEqual({ type: "invalid", reason });
});

test("no bytes make it throw, or claim a name that is none", () => {
  const message = helloMessage({ serverName: "shop.example.com", protocols: ["http/1.1"] });
  const mutated = fc
    .array(fc.tuple(fc.nat({ max: message.length - 1 }), fc.nat({ max: 255 })), {
      minLength: 1,
      maxLength: 6,
    })
    .map((changes) => {
      const copy = [...message];
      for (const [at, value] of changes) copy[at] = value;
      return records(copy, 50);
    });
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 600 })), (bytes) => {
      const result = read(bytes);
      if (result.type !== "hello" || result.serverName === undefined) return;
      expect(result.serverName).toMatch(/^[a-z0-9_.-]{1,253}$/);
    }),
    { numRuns: 5_000 },
  );
});
