// Cookie header parsing.
import { expect, test } from "vitest";
import { parseCookies } from "./cookies.ts";

test.each<[header: string | null, cookies: Record<string, string>]>([
  [null, {}],
  ["", {}],
  ["a=1", { a: "1" }],
  ["a=1; b=2;c=3", { a: "1", b: "2", c: "3" }],
  ["a=1; a=2", { a: "1" }],
  ['a="quoted"; b="', { a: "quoted", b: '"' }],
  ["a=b=c", { a: "b=c" }],
  ["novalue; =x; a=", { a: "" }],
  [" a = 1 ", { a: "1" }],
  ["__proto__=1; constructor=2", { ["__proto__"]: "1", constructor: "2" }],
])("%j", (header, cookies) => {
  expect([...parseCookies(header)]).toEqual(Object.entries(cookies));
});

test("a bounded number is looked at", () => {
  const many = Array.from({ length: 10_000 }, (_, index) => `c${index}=1`).join(";");
  expect(parseCookies(many).size).toBe(512);
});
