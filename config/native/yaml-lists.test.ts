import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { parseNative } from "./parse.ts";
import { readLongLists } from "./yaml-lists.ts";

/** Items of a list, in all the shapes and surroundings that a person or a program gives them. */
const items = [
  "- plain\n",
  "-\n  - nested: list\n    of: [maps, {and: lists}]\n  -\n",
  "- name: a\n  # inside\n  rules:\n  - one\n  - two: 2\n\n",
  '# before\n- "quoted # no comment"\n\n\n',
  "- |\n  literal\n\n  text\n",
  "- >-\n    folded\n    text\n# after\n",
  "- { flow: [1, 2.5, 0x10, 0o7, true, null, ~] } # behind\n",
  "- ? complex\n  : value\n",
  "- !!str 12\n",
  "-   wide: 1\n    second: two words\n",
  "  # odd comment\n-\n",
];

test("long lists are read a piece at a time to the values of the whole", () => {
  const list = fc.array(fc.constantFrom(...items), { minLength: 30, maxLength: 150 });
  const indent = fc.constantFrom("", "  ", "      ");
  fc.assert(
    fc.property(list, list, indent, fc.boolean(), (first, second, margin, twice) => {
      const indented = (parts: string[]) => parts.join("").replace(/^(?=.)/gm, margin);
      const text = `before: 1\nfirst:\n${indented(first)}between: { a: [b] }\n${twice ? `second:\n${indented(second)}` : ""}after: end\n`;
      expect(readLongLists(text, 0)).toEqual({ value: parse(text) });
    }),
    { numRuns: 50 },
  );
});

const route = (name: string, more = "") =>
  `  - name: ${name}\n    hostnames: [${name}.example.com]\n    rules: [{}]\n${more}`;
const routes = Array.from({ length: 200 }, (_, index) => route(`r${index}`));
const head = "listeners: [{ name: web, protocol: HTTP, port: 80 }]\n";

test.each<[string, string]>([
  ["an alias", `a: &a 1\nb: *a\nroutes:\n${routes.join("")}`],
  ["an alias in an item", `routes:\n${routes.join("")}  - &a x\n  - *a\n`],
  ["a merge", `base: &b {}\nroutes:\n${routes.join("")}  - { <<: *b }\n`],
  ["a directive", `%YAML 1.2\n---\nroutes:\n${routes.join("")}`],
  ["a second document", `routes:\n${routes.join("")}---\nroutes: []\n`],
  ["a tag", `routes:\n${route("r", "    x: !secret y\n")}${routes.join("")}`],
  ["a key twice in an item", `routes:\n${route("r", "    name: s\n")}${routes.join("")}`],
  ["a list twice", `routes:\n${routes.join("")}routes:\n${routes.join("")}`],
  ["an open bracket", `routes:\n${routes.join("")}  - [\n`],
  ["a tab as indentation", `routes:\n${route("r", "\tx: 1\n")}${routes.join("")}`],
  ["nesting", `routes:\n${routes.join("")}  - ${"[".repeat(500)}`],
])("%s: the text is read as a whole", (_name, text) => {
  expect(readLongLists(text, 0)).toBeUndefined();
});

test("a short text is read as a whole", () => expect(readLongLists("routes:\n  - x\n")).toBeUndefined());

test("what is wrong in a long list is found at its line and column", () => {
  const content = `${head}routes:\n${routes.join("")}${route("bad", "    colour: red\n")}${routes.join("")}#${"#".repeat(128 * 1024)}\n`;
  expect(readLongLists(content)).toBeDefined();
  const { diagnostics } = parseNative({ name: "f", content });
  expect(diagnostics).toMatchObject([
    { code: "field-unknown", path: "routes[200].colour", line: 2 + 600 + 4, column: 5 },
  ]);
});
