// What a client is known by, for each type.
import { expect, test } from "vitest";
import type { KeySource } from "#contract/backend-policy.ts";
import type { RequestHead } from "../match/request-head.ts";
import { compileKeySource } from "./key-source.ts";

const headers: Record<string, string> = { "x-user": "ann", cookie: "a=1; user=bob; user=eve", "x-empty": "" };
const head: RequestHead = {
  method: "GET",
  host: "example.com",
  path: "/cart",
  query: "user=c%20d&x=1",
  clientAddress: "192.0.2.1",
  header: (name) => headers[name] ?? null,
};

test.each<[KeySource, string | undefined]>([
  [{ type: "SourceIP" }, "192.0.2.1"],
  [{ type: "Header", header: { name: "X-User" } }, "ann"],
  [{ type: "Header", header: { name: "x-none" } }, undefined],
  [{ type: "Header", header: { name: "x-empty" } }, undefined],
  [{ type: "Cookie", cookie: { name: "user" } }, "bob"],
  [{ type: "Cookie", cookie: { name: "none" } }, undefined],
  [{ type: "QueryParam", queryParam: { name: "user" } }, "c d"],
  [{ type: "QueryParam", queryParam: { name: "none" } }, undefined],
  [{ type: "URI" }, "/cart"],
])("%j", (source, expected) => {
  expect(compileKeySource(source)(head)).toBe(expected);
});

const hashType = { method: "MapBased", function: "SDBM", avalanche: false } as const;

test.each<[Parameters<typeof compileKeySource>[0], string | undefined]>([
  [{ type: "QueryParam", queryParam: { name: "user" }, hashType }, "c%20d"],
  [{ type: "QueryParam", queryParam: { name: "use" }, hashType }, undefined],
  [{ type: "Header", header: { name: "X-List" }, hashType }, "one"],
  [{ type: "Header", header: { name: "x-empty" }, hashType }, undefined],
  [{ type: "URI", uri: { depth: 1 } }, "/shop"],
  [{ type: "URI", uri: { depth: 9 } }, "/shop/cart/7"],
  [{ type: "URI", uri: { length: 7 } }, "/shop/c"],
  [{ type: "URI", uri: { whole: true } }, "/shop/cart/7?user=c%20d&x=1"],
  [{ type: "URI", uri: { whole: true, length: 15 } }, "/shop/cart/7?us"],
])("as HAProxy: %j", (source, expected) => {
  const list: RequestHead = {
    ...head,
    path: "/shop/cart/7",
    header: (name) => (name === "x-list" ? " one , two" : head.header(name)),
  };
  expect(compileKeySource(source)(list)).toBe(expected);
});
