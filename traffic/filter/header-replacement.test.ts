import { expect, test } from "vitest";
import { headerModifierSchema } from "#contract/header-modifier.ts";
import { applyHeaderOperations, compileHeaderOperations } from "./header-operations.ts";

const rewritten = (headers: Headers, ...replace: object[]): Headers => {
  applyHeaderOperations(compileHeaderOperations(headerModifierSchema.parse({ replace })), headers);
  return headers;
};
const replacing = (name: string, pattern: string, substitution: string, elements = false): object => ({
  name,
  replaceRegexMatch: { pattern, substitution },
  elements,
});

test.each([
  ["a=1; b=2", false, "[0-9]", "n", "a=n; b=n"],
  ["gzip, br;q=0.5,  gzip", true, "^gzip$", "zstd", "zstd, br;q=0.5, zstd"],
  ['one, "two, one", one', true, "^one$", "1", '1, "two, one", 1'],
  ['"a\\", b", b', true, "^b$", "c", '"a\\", b", c'],
  ['"open, b', true, "^b$", "c", '"open, b'],
  ["(x)-(y)", false, "^\\((.)\\)-\\((.)\\)$", "\\2\\1", "yx"],
])("%s", (value, elements, pattern, substitution, expected) => {
  const headers = rewritten(
    new Headers({ "x-list": value }),
    replacing("X-List", pattern, substitution, elements),
  );
  expect(headers.get("x-list")).toBe(expected);
});

test("a header that is not there stays so, each cookie is rewritten by itself, and one follows the other", () => {
  expect([...rewritten(new Headers(), replacing("x-none", ".*", "y"))]).toEqual([]);
  const headers = new Headers([
    ["set-cookie", "a=1, 2; Path=/"],
    ["set-cookie", "b=2; Path=/x"],
  ]);
  const [first, second] = [
    replacing("Set-Cookie", "^.*$", "\\0; Secure"),
    replacing("Set-Cookie", "Path=/", "Path=/y"),
  ];
  expect(rewritten(headers, first, second).getSetCookie()).toEqual([
    "a=1, 2; Path=/y; Secure",
    "b=2; Path=/yx; Secure",
  ]);
});
