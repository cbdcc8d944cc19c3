// What a client may and may not make the gateway say about it.
import { describe, expect, test } from "vitest";
import { type ConnectionFacts, compileClientDetection, setForwardingHeaders } from "./forwarded.ts";

interface Case {
  readonly title: string;
  readonly hops?: number;
  readonly networks?: string[];
  readonly connection?: Partial<ConnectionFacts>;
  readonly sent?: Record<string, string>;
  readonly client: string;
  readonly headers: Record<string, string | null>;
}

const cases: Case[] = [
  {
    title: "a plain request",
    client: "203.0.113.9",
    headers: {
      "x-forwarded-for": "203.0.113.9",
      "x-forwarded-proto": "http",
      "x-forwarded-host": "example.com",
      forwarded: "for=203.0.113.9;host=example.com;proto=http",
    },
  },
  {
    title: "IPv6, ports: quoted in Forwarded",
    connection: { peerAddress: "[2001:DB8::1]:4711", scheme: "https", host: "example.com:8443" },
    client: "2001:db8::1",
    headers: {
      "x-forwarded-for": "2001:db8::1",
      "x-forwarded-host": "example.com:8443",
      forwarded: 'for="[2001:db8::1]";host="example.com:8443";proto=https',
    },
  },
  {
    title: "an untrusted client's claims are replaced",
    sent: {
      "x-forwarded-for": "10.0.0.1, 127.0.0.1",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "admin.internal",
      "x-forwarded-port": "443",
      "x-real-ip": "127.0.0.1",
      "x-original-url": "/admin",
      "true-client-ip": "127.0.0.1",
      forwarded: "for=127.0.0.1;proto=https",
    },
    client: "203.0.113.9",
    headers: {
      "x-forwarded-for": "203.0.113.9",
      "x-forwarded-proto": "http",
      "x-forwarded-host": "example.com",
      "x-forwarded-port": null,
      "x-real-ip": null,
      "x-original-url": null,
      "true-client-ip": null,
      forwarded: "for=203.0.113.9;host=example.com;proto=http",
    },
  },
  {
    title: "one trusted hop: its entry is the client, what stands left of it is forged",
    hops: 1,
    sent: {
      "x-forwarded-for": "127.0.0.1, 198.51.100.7",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "shop.example",
      forwarded: "for=127.0.0.1",
    },
    client: "198.51.100.7",
    headers: {
      "x-forwarded-for": "198.51.100.7, 203.0.113.9",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "shop.example",
      forwarded:
        "for=198.51.100.7;host=shop.example;proto=https, for=203.0.113.9;host=example.com;proto=http",
    },
  },
  {
    title: "two trusted hops",
    hops: 2,
    sent: { "x-forwarded-for": "1.1.1.1, 198.51.100.7,10.0.0.2" },
    client: "198.51.100.7",
    headers: {
      "x-forwarded-for": "198.51.100.7, 10.0.0.2, 203.0.113.9",
      forwarded:
        "for=198.51.100.7;host=example.com;proto=http, for=10.0.0.2, for=203.0.113.9;host=example.com;proto=http",
    },
  },
  {
    title: "fewer entries than trusted hops: someone went around a proxy, so nothing is believed",
    hops: 2,
    sent: { "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "https" },
    client: "203.0.113.9",
    headers: { "x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "http" },
  },
  {
    title: "trusted hops, but no entry at all: the other fields are not believed either",
    hops: 1,
    sent: { "x-forwarded-proto": "https", "x-forwarded-host": "evil.example", "x-real-ip": "127.0.0.1" },
    client: "203.0.113.9",
    headers: { "x-forwarded-proto": "http", "x-forwarded-host": "example.com", "x-real-ip": null },
  },
  {
    title: "an entry that is no address breaks the chain",
    hops: 1,
    sent: { "x-forwarded-for": "127.0.0.1, unknown", "x-forwarded-host": "evil.example" },
    client: "203.0.113.9",
    headers: { "x-forwarded-for": "203.0.113.9", "x-forwarded-host": "example.com" },
  },
  {
    title: "trusted networks: entries count while those who wrote them are trusted",
    networks: ["203.0.113.0/24", "10.0.0.0/8"],
    sent: { "x-forwarded-for": "127.0.0.1, 198.51.100.7, 10.1.2.3" },
    client: "198.51.100.7",
    headers: { "x-forwarded-for": "198.51.100.7, 10.1.2.3, 203.0.113.9" },
  },
  {
    title: "trusted networks: all entries trusted, the leftmost is the client",
    networks: ["203.0.113.0/24", "10.0.0.0/8"],
    sent: { "x-forwarded-for": "10.9.9.9, 10.1.2.3" },
    client: "10.9.9.9",
    headers: { "x-forwarded-for": "10.9.9.9, 10.1.2.3, 203.0.113.9" },
  },
  {
    title: "trusted networks: an untrusted peer is not believed",
    networks: ["10.0.0.0/8"],
    sent: { "x-forwarded-for": "10.0.0.1", "x-forwarded-host": "evil.example" },
    client: "203.0.113.9",
    headers: { "x-forwarded-for": "203.0.113.9", "x-forwarded-host": "example.com" },
  },
  {
    title: "a trusted proxy's entries may carry ports and brackets",
    hops: 1,
    sent: { "x-forwarded-for": '"[2001:db8::5]:80"' },
    client: "2001:db8::5",
    headers: { "x-forwarded-for": "2001:db8::5, 203.0.113.9" },
  },
  {
    title: "malformed scheme and host of a trusted proxy are not carried on",
    hops: 1,
    sent: {
      "x-forwarded-for": "198.51.100.7",
      "x-forwarded-proto": "javascript",
      "x-forwarded-host": 'a";x=b',
    },
    client: "198.51.100.7",
    headers: { "x-forwarded-proto": "http", "x-forwarded-host": "example.com" },
  },
  {
    title: "no address of the peer",
    connection: { peerAddress: "" },
    client: "unknown",
    headers: { "x-forwarded-for": "unknown", forwarded: "for=unknown;host=example.com;proto=http" },
  },
];

describe("client detection and forwarding headers", () => {
  test.each(cases)("$title", ({ hops = 0, networks = [], connection, sent = {}, client, headers }) => {
    const facts: ConnectionFacts = {
      peerAddress: "203.0.113.9",
      scheme: "http",
      host: "example.com",
      ...connection,
    };
    const fields = new Headers(sent);
    const detect = compileClientDetection({ numTrustedHops: hops, trustedCIDRs: networks });
    const chain = detect(facts.peerAddress, fields.get("x-forwarded-for"));
    expect(chain.clientAddress).toBe(client);
    setForwardingHeaders(fields, facts, chain);
    for (const [name, value] of Object.entries(headers)) expect(fields.get(name), name).toBe(value);
  });
});

test("a list of a hundred thousand entries is read from the right only", () => {
  const detect = compileClientDetection({ numTrustedHops: 0, trustedCIDRs: ["0.0.0.0/0"] });
  const chain = detect("203.0.113.9", Array.from({ length: 100_000 }, () => "10.0.0.1").join(","));
  expect(chain.addresses).toHaveLength(33);
});
