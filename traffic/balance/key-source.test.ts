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
