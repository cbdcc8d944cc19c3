import { expect, test } from "vitest";
import { encodeMessage, ProtoMessage, type ProtoField } from "../grpc/protobuf.ts";
import { checkRequest, readCheckResponse } from "./check-call.ts";

test("a question has the request, its client and what the policy adds", () => {
  const octets = checkRequest({
    clientAddress: "192.0.2.7",
    principal: "spiffe://house/ns/shop/sa/web",
    port: 8443,
    timeMs: 1_700_000_000_250,
    id: "one",
    method: "POST",
    scheme: "https",
    authority: "shop.example.com",
    target: "/orders?page=2",
    protocol: "HTTP/2",
    bodyBytes: 12,
    headers: [["x-login", "carol"]],
    contextExtensions: [{ name: "route", value: "orders" }],
  });
  const attributes = new ProtoMessage(octets).message(1);
  const source = attributes.message(1);
  expect(source.message(1).message(1).text(2)).toBe("192.0.2.7");
  expect(source.text(4)).toBe("spiffe://house/ns/shop/sa/web");
  expect(attributes.message(2).message(1).message(1).number(3)).toBe(8443);
  const time = attributes.message(4).message(1);
  expect([time.number(1), time.number(2)]).toEqual([1_700_000_000, 250_000_000]);
  const http = attributes.message(4).message(2);
  expect([1, 2, 4, 5, 6, 10].map((field) => http.text(field))).toEqual([
    "one",
    "POST",
    "/orders?page=2",
    "shop.example.com",
    "https",
    "HTTP/2",
  ]);
  expect(http.number(9)).toBe(12);
  expect(http.messages(3).map((entry) => [entry.text(1), entry.text(2)])).toEqual([["x-login", "carol"]]);
  const [extension] = attributes.messages(10);
  expect([extension?.text(1), extension?.text(2)]).toEqual(["route", "orders"]);
});

const status = (code: number): ProtoField => [1, [[1, code]]];
const header = (name: string, value: string, ...more: ProtoField[]): ProtoField => [
  2,
  [
    [
      1,
      [
        [1, name],
        [2, value],
      ],
    ],
    ...more,
  ],
];
const read = (...fields: ProtoField[]) => readCheckResponse(encodeMessage(fields));

test("an empty answer allows the request as it is", () => {
  expect(read()).toEqual({
    allowed: true,
    ok: { headers: [], headersToRemove: [], responseHeaders: [], paramsToSet: [], paramsToRemove: [] },
  });
});

test("what an answer that allows changes", () => {
  const append: ProtoField = [2, [[1, 1]]];
  const overwrite: ProtoField = [2, []];
  const verdict = read(status(0), [
    3,
    [
      header("X-User", "carol"),
      header("x-list", "b", append),
      header("x-own", "1", overwrite),
      header("x-first", "1", [3, 1]),
      header("x-known", "1", [3, 3]),
      [5, "X-Secret"],
      [6, (header("x-told", "1") as readonly [number, readonly ProtoField[]])[1]],
      [
        7,
        [
          [1, "as"],
          [2, "carol"],
        ],
      ],
      [8, "token"],
    ],
  ]);
  expect(verdict).toEqual({
    allowed: true,
    ok: {
      headers: [
        { name: "x-user", value: "carol", action: "Overwrite" },
        { name: "x-list", value: "b", action: "Append" },
        { name: "x-own", value: "1", action: "Overwrite" },
        { name: "x-first", value: "1", action: "AddIfAbsent" },
        { name: "x-known", value: "1", action: "OverwriteIfExists" },
      ],
      headersToRemove: ["x-secret"],
      responseHeaders: [{ name: "x-told", value: "1", action: "Overwrite" }],
      paramsToSet: [["as", "carol"]],
      paramsToRemove: ["token"],
    },
  });
});

test("an answer cannot change what the message's framing and its way hang on", () => {
  const names = [":path", "host", "content-length", "Transfer-Encoding", "connection", "isthmus-endpoint"];
  const verdict = read([
    3,
    [...names.map((name) => header(name, "1")), [5, "host"], [5, "isthmus-endpoint"]],
  ]);
  expect(verdict).toMatchObject({ ok: { headers: [], headersToRemove: [] } });
});

test("an answer that refuses has a status, headers and a body, or is 403", () => {
  expect(read(status(7))).toEqual({ allowed: false, status: 403, headers: [], body: "" });
  expect(read(status(16), [2, [[1, [[1, 401]]], header("www-authenticate", "Bearer"), [3, "who?"]]])).toEqual(
    {
      allowed: false,
      status: 401,
      headers: [{ name: "www-authenticate", value: "Bearer", action: "Overwrite" }],
      body: "who?",
    },
  );
});

test("what lets pass by its second part alone does not: the status decides", () => {
  expect(read(status(7), [3, [header("x-user", "root")]])).toMatchObject({ allowed: false, status: 403 });
});

test("an answer of a server that has failed is none", () => {
  expect(() => read(status(13), [5, [[1, [[1, 500]]]]])).toThrow("has failed");
  expect(() => readCheckResponse(Uint8Array.of(0x0a, 9))).toThrow("cut short");
});
