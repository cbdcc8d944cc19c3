import { expect, test } from "vitest";
import { forwardedHead, returnedHead } from "./forwarded-head.ts";

const facts = {
  clientIp: "192.0.2.1:5",
  serverIp: "10.0.0.1:80",
  httpProtocol: "HTTP/2",
  tlsVersion: "TLSv1.3",
  tlsCipher: "x",
};
const head = (rawHeaders: string[], more = {}): string[] =>
  forwardedHead({ rawHeaders, authority: "a.example.com", chunked: false, scheme: "https", ...more }, facts);

test("a client cannot write the connection's facts or the scheme", () => {
  const sent = head(["Isthmus-CF", '{"tlsClientAuth":{}}', "isthmus-scheme", "http", "Client-Cert", ":x:"]);
  expect(sent).toEqual([
    "Host",
    "a.example.com",
    "isthmus-scheme",
    "https",
    "isthmus-cf",
    JSON.stringify(facts),
  ]);
});

test("without TLS the scheme is http, and there are no facts of TLS", () => {
  expect(head([], { scheme: "http" })).toContain("http");
});

test("naming the facts in Connection does not remove them", () => {
  expect(head(["Connection", "isthmus-cf, isthmus-scheme"])).toContain(JSON.stringify(facts));
});

test("hop-by-hop fields and those that Connection names stay here; the others pass, repeated ones too", () => {
  const sent = head([
    ":method",
    "GET",
    "Connection",
    "close, X-Hop",
    "x-hop",
    "1",
    "TE",
    "trailers",
    "Cookie",
    "a=1",
    "cookie",
    "b=2",
  ]);
  expect(sent.slice(2, -4)).toEqual(["TE", "trailers", "Cookie", "a=1", "cookie", "b=2"]);
});

test("framing: chunked only where a body of unknown length follows, and an upgrade says so", () => {
  expect(head(["Transfer-Encoding", "gzip, chunked"], { chunked: true }).slice(2, 4)).toEqual([
    "Transfer-Encoding",
    "chunked",
  ]);
  expect(
    head(["Connection", "Upgrade", "Upgrade", "websocket"], { upgrade: "websocket" }).slice(2, 6),
  ).toEqual(["Connection", "Upgrade", "Upgrade", "websocket"]);
});

test("the answer loses what belongs to the inner connection", () => {
  expect(returnedHead(["Connection", "keep-alive", "Set-Cookie", "a", "Set-Cookie", "b"])).toEqual([
    "Set-Cookie",
    "a",
    "Set-Cookie",
    "b",
  ]);
});
