import { expect, test } from "vitest";
import { literalPrefix } from "./literal-prefix.ts";
import { parsePattern } from "./parse-pattern.ts";

test.each([
  ["/api/.*", "/api/"],
  ["^/api$", "/api"],
  ["/api?", "/ap"],
  ["/(a)b[cd]", "/ab"],
  ["/(?:abc|abd)e", "/ab"],
  ["/(?:ab|ab)c", "/abc"],
  ["/(?:|a)b", "/"],
  ["/a+b", "/a"],
  ["(?i)/a", "/"],
  ["/a|/a/b", "/a"],
  [".*", ""],
  ["", ""],
])("%s: %j", (source, prefix) => {
  expect(literalPrefix(parsePattern(source).node)).toBe(prefix);
});
