import { expect, test } from "vitest";
import { capnpText, CapnpSymbol, embed } from "./capnp-text.ts";

test("strings cannot leave their quotes", () => {
  expect(capnpText('a"b\\c\nd é')).toBe('"a\\"b\\\\c\\x0ad \\xc3\\xa9"');
});

test("groups, lists and symbols", () => {
  expect(
    capnpText({ name: "x", http: {}, style: new CapnpSymbol("host"), gone: undefined, list: [1, true] }),
  ).toBe('(\n  name = "x",\n  http = (),\n  style = host,\n  list = [\n    1,\n    true\n  ]\n)');
  expect(capnpText({ module: embed("gateway.js") })).toBe('(module = embed "gateway.js")');
});
