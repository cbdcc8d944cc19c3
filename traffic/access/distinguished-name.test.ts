import { expect, test } from "vitest";
import { attributeOf } from "./distinguished-name.ts";

test.each([
  ["CN=web,OU=shop,O=Example", "CN", "web"],
  ["CN=web,OU=shop,O=Example", "o", "Example"],
  ["CN=web,OU=inner,OU=outer", "OU", "outer"],
  ["CN=web+UID=7,O=Example", "UID", "7"],
  ["CN=a\\, b\\+c\\=d,O=Example", "CN", "a, b+c=d"],
  ["CN=gr\\C3\\B6\\C3\\9Fe", "CN", "größe"],
  ["O=Example", "CN", undefined],
  ["", "CN", undefined],
])("%s: %s is %j", (name, type, value) => {
  expect(attributeOf(name, type)).toBe(value);
});
