import { expect, test } from "vitest";
import type { ConnectionCondition } from "#contract/connection-inspection.ts";
import { connectionConditionSchema } from "#contract/connection-inspection.ts";
import { limits } from "#contract/limits.ts";
import { helloMessage, records, type HelloParts } from "./client-hello.fixture.ts";
import { ConnectionStart } from "./connection-start.ts";
import { compileInspection, compileMatches } from "./inspection.ts";

const facts = { clientAddress: "192.0.2.7", port: 443 };
const octets = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const startOf = (...pieces: (string | Uint8Array)[]): ConnectionStart => {
  const start = new ConnectionStart(facts);
  for (const piece of pieces) start.push(typeof piece === "string" ? octets(piece) : piece);
  return start;
};
const hello = (parts: HelloParts): Uint8Array => records(helloMessage(parts));
const condition = (input: object): ConnectionCondition => connectionConditionSchema.parse(input);
const judge = (input: object, start: ConnectionStart): string =>
  compileMatches([{ conditions: [condition(input)] }])(start);

const cases: [what: string, input: object, start: ConnectionStart, outcome: string][] = [
  ["no byte", { field: "TransportProtocol", values: ["tls"] }, startOf(), "open"],
  ["a ClientHello", { field: "TransportProtocol", values: ["tls"] }, startOf(hello({})), "holds"],
  ["no TLS, from the first byte", { field: "TransportProtocol", values: ["tls"] }, startOf("S"), "fails"],
  ["no TLS, negated", { field: "TransportProtocol", values: ["tls"], not: true }, startOf("SSH-"), "holds"],
  [
    "half a ClientHello",
    { field: "ServerName", values: ["a.com"] },
    startOf(hello({ serverName: "a.com" }).subarray(0, 40)),
    "open",
  ],
  [
    "the server name",
    { field: "ServerName", type: "Suffix", values: [".com"] },
    startOf(hello({ serverName: "a.com" })),
    "holds",
  ],
  ["no server name", { field: "ServerName", type: "Present" }, startOf(hello({})), "fails"],
  [
    "one of several protocols",
    { field: "ApplicationProtocol", values: ["h2"] },
    startOf(hello({ protocols: ["http/1.1", "h2"] })),
    "holds",
  ],
  [
    "the version",
    { field: "TLSVersion", type: "InRange", ranges: [{ min: 771 }] },
    startOf(hello({})),
    "holds",
  ],
  ["enough bytes", { field: "Length", type: "InRange", ranges: [{ min: 3 }] }, startOf("ab", "c"), "holds"],
  ["too few bytes so far", { field: "Length", type: "InRange", ranges: [{ min: 3 }] }, startOf("ab"), "open"],
  [
    "a slice",
    { field: "Payload", payload: { offset: 1, length: 2 }, values: ["bc"] },
    startOf("a", "bcd"),
    "holds",
  ],
  [
    "a slice that has not come",
    { field: "Payload", payload: { offset: 1, length: 4 }, values: ["bcde"] },
    startOf("abcd"),
    "open",
  ],
  [
    "a slice in digits",
    { field: "Payload", payload: { length: 2, encoding: "Hex" }, values: ["00FF"] },
    startOf("\0\xff"),
    "holds",
  ],
  [
    "a slice whose length stands in front",
    { field: "Payload", payload: { lengthOffset: 1, lengthBytes: 2 }, values: ["abc"] },
    startOf("x\0\x03abcd"),
    "holds",
  ],
  [
    "a length that no client could fill",
    { field: "Payload", payload: { lengthOffset: 0, lengthBytes: 4 }, type: "Present" },
    startOf("\xff\xff\xff\xffabc"),
    "fails",
  ],
  [
    "whatever has come, up to a zero",
    { field: "Payload", type: "RegularExpression", values: ["a.*c"] },
    startOf("abc\0d"),
    "holds",
  ],
  [
    "a request",
    { field: "HTTPVersion", values: ["1.1"] },
    startOf("GET / HT", "TP/1.1\r\nA: b\r\n\r\n"),
    "holds",
  ],
  [
    "a request without its end",
    { field: "HTTPVersion", type: "Present" },
    startOf("GET / HTTP/1.1\r\nA"),
    "open",
  ],
  ["no request", { field: "HTTPVersion", type: "Present" }, startOf("SSH-2.0-x\r\n"), "fails"],
  [
    "a line that is no field",
    { field: "HTTPVersion", type: "Present" },
    startOf("GET / HTTP/1.1\r\nA\r\n"),
    "fails",
  ],
  ["bytes of no request", { field: "HTTPVersion", type: "Present" }, startOf("\x16\x03"), "fails"],
  [
    "a desktop's cookie",
    { field: "RDPCookie", name: "mstshash", values: ["ME"], ignoreCase: true },
    startOf("\x03\0\0\x13\x0e\xe0\0\0\0\0\0Cookie: mstshash=me\r\n"),
    "holds",
  ],
  [
    "a desktop's cookie so far",
    { field: "RDPCookie", type: "Present" },
    startOf("\x03\0\0\x13\x0e\xe0\0\0\0\0\0Cookie: mstshash=m"),
    "open",
  ],
  ["another start", { field: "RDPCookie", type: "Present" }, startOf("nothing of a desktop"), "fails"],
  [
    "the client's network",
    { field: "ClientIP", type: "InNetworks", cidrs: ["192.0.2.0/24"] },
    startOf(),
    "holds",
  ],
  ["another port", { field: "Port", values: ["80"] }, startOf(), "fails"],
  ["before the end", { field: "InspectionEnd", type: "Present" }, startOf("abc"), "open"],
];

test.each(cases)("%s", (_what, input, start, outcome) => {
  expect(judge(input, start)).toBe(outcome);
  start.end();
  // Once nothing more comes, nothing is open.
  const isEnd = (input as { field: string }).field === "InspectionEnd";
  const isNot = (input as { not?: boolean }).not === true;
  const late = isEnd ? "holds" : isNot ? "holds" : "fails";
  expect(judge(input, start)).toBe(outcome === "open" ? late : outcome);
});

test("rules are judged in order, and the first that is open is waited for", () => {
  const inspect = compileInspection([
    {
      action: "Accept",
      matches: [{ conditions: [condition({ field: "Payload", payload: { length: 3 }, values: ["abc"] })] }],
    },
    { action: "Reject", matches: [] },
  ]);
  const start = startOf("ab");
  expect(inspect(start)).toBe("open");
  start.push(octets("c"));
  expect(inspect(start)).toBe("accepted");
  expect(inspect(startOf("abx"))).toBe("rejected");
  expect(compileInspection([])(startOf())).toBe("accepted");
});

test("nothing is waited for beyond the bytes that are looked at", () => {
  const start = startOf("x".repeat(limits.inspectedBytes));
  expect(start.isEnded).toBe(true);
  expect(judge({ field: "Length", type: "InRange", ranges: [{ min: 100_000 }] }, start)).toBe("fails");
});

test("a condition holds with all of its parts, and a match with one of its alternatives", () => {
  const [a, b] = ["a", "b"].map((value) => condition({ field: "Payload", type: "Prefix", values: [value] }));
  const both = compileMatches([{ conditions: [a!, b!] }]);
  const either = compileMatches([{ conditions: [a!] }, { conditions: [b!] }]);
  expect([both(startOf("ab")), either(startOf("ba"))]).toEqual(["open", "holds"]);
});
