// Text that is made to cost the reader time, memory or its stack. Each case is far above what a quadratic or recursive
// reader could do within the test's time limit.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { limits } from "#contract/limits.ts";
import { parseNative } from "./parse.ts";

const codes = (content: string) => [
  ...new Set(parseNative({ name: "f", content }).diagnostics.map(({ code }) => code)),
];
const bomb = (levels: number, width: number) =>
  Array.from(
    { length: levels },
    (_, level) =>
      `a${level}: &a${level} [${Array(width)
        .fill(level ? `*a${level - 1}` : "x")
        .join(",")}]\n`,
  ).join("");

test.each<[string, string, string]>([
  ["brackets, never closed", "[".repeat(500_000), "yaml-too-deep"],
  ["braces, never closed", "{a: ".repeat(200_000), "yaml-too-deep"],
  ["nested lists in blocks", "- ".repeat(200_000), "yaml-too-deep"],
  ["nested keys in blocks", "? ".repeat(200_000), "yaml-too-deep"],
  [
    "nested maps, indented",
    Array.from({ length: 500 }, (_, level) => `${" ".repeat(level)}a:\n`).join(""),
    "yaml-too-deep",
  ],
  ["nested JSON, closed", "[".repeat(200_000) + "]".repeat(200_000), "yaml-too-deep"],
  ["an alias bomb", bomb(12, 10), "yaml-alias"],
  [
    "a merge bomb",
    `b: &b { ${Array.from({ length: 1_000 }, (_, key) => `k${key}: 1`).join(", ")} }\nm:\n${"  - { <<: *b }\n".repeat(1_000)}`,
    "yaml-alias",
  ],
  [
    "a large map of unknown keys",
    Array.from({ length: 20_000 }, (_, key) => `k${key}: 1\n`).join(""),
    "field-unknown",
  ],
  ["one key again and again", "k: 1\n".repeat(20_000), "key-duplicate"],
  ["one JSON key again and again", `{${Array(100_000).fill('"k":1').join(",")}}`, "key-duplicate"],
  ["anchors without nodes", "&a ".repeat(50_000), "yaml-syntax"],
  ["closing brackets", "]".repeat(50_000), "yaml-syntax"],
  ["document markers", "---\n".repeat(20_000), "yaml-several-documents"],
  ["an open string", `a: "${"\n".repeat(200_000)}`, "yaml-syntax"],
  [
    "binary",
    Array.from({ length: 100_000 }, (_, index) => String.fromCharCode((index * 7919) % 256)).join(""),
    "text-invalid",
  ],
  ["a long list in a line", `routes: [${"1,".repeat(limits.configMarksAtOnce)}1]\n`, "limit-exceeded"],
  [
    "many lists, none of them too long",
    `a: &a 1\n${`b: [${"1,".repeat(100_000)}1]\n`.repeat(6)}`,
    "limit-exceeded",
  ],
  ["commas", `[${",".repeat(600_000)}`, "limit-exceeded"],
  ["a list behind the end of a document", `{}\na: [${"1,".repeat(1_000_000)}1]\n`, "yaml-syntax"],
  ["a long JSON list", `{"routes":[${"1,".repeat(limits.configValues)}1]}`, "limit-exceeded"],
  ["a lone surrogate", "a: \uD800\n", "text-invalid"],
  ["UTF-16, as decoders of UTF-8 read it", "\uFFFD\uFFFDa\u0000:\u0000 \u00001\u0000", "text-invalid"],
  ["too long", " ".repeat(limits.configBytes + 1), "file-too-large"],
  ["too long in bytes, not in characters", `# ${"é".repeat(limits.configBytes / 2)}`, "file-too-large"],
])("%s", (_name, content, expected) => {
  expect(codes(content)).toContain(expected);
});

test("of names and values of megabytes the beginning is quoted", () => {
  const long = "k".repeat(1_000_000);
  const { diagnostics } = parseNative({ name: "f", content: `${long}: 1\nlisteners: [{ name: ${long} }]\n` });
  expect(diagnostics.map(({ code }) => code)).toContain("field-unknown");
  for (const { message, path, remedy = "" } of diagnostics)
    expect(message.length + path.length + remedy.length).toBeLessThan(2_500);
});

test("of aliases beyond the bound one is told, also where maps are merged", () => {
  const keys = Array.from({ length: 1_000 }, (_, key) => `k${key}: 1`).join(", ");
  expect(codes(`b: &b { ${keys} }\nm:\n${"  - { <<: *b }\n".repeat(3_000)}`)).toEqual(["yaml-alias"]);
});

test("aliases within the bound are fine", () => {
  expect(codes("listeners: [&a { name: web, protocol: HTTP, port: 80 }, { <<: *a, port: 81 }]\n")).toEqual(
    [],
  );
});

test("of a document that is too large to look for places in, the line of the key is told", () => {
  const lists = Array.from({ length: 5 }, (_, list) => `k${list}: [${"1,".repeat(120_000)}1]\n`).join("");
  const { diagnostics } = parseNative({ name: "f", content: `# a\n${lists}` });
  expect(diagnostics.map(({ code, path, line, column }) => [code, path, line, column])).toEqual(
    Array.from({ length: 5 }, (_, list) => ["field-unknown", `k${list}`, list + 2, 1]),
  );
});

test("any text: no exception, and an error with a place or a model", () => {
  const fragment = fc.constantFrom(
    "- ",
    ": ",
    "a",
    "{",
    "}",
    "[",
    "]",
    "\n",
    "  ",
    "&a ",
    "*a",
    "<<",
    "? ",
    "|\n",
    ">\n",
    "'",
    '"',
    "#",
    "%",
    "---\n",
    "!t ",
    ",",
    "routes",
    "listeners",
    "\t",
    "\\",
    "\r",
    "~",
    "1",
  );
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 40 }), (fragments) => {
      const { config, diagnostics } = parseNative({ name: "f", content: fragments.join("") });
      expect(config === undefined).toBe(diagnostics.length > 0);
      for (const { line, column } of diagnostics) {
        expect(line).toBeGreaterThan(0);
        expect(column).toBeGreaterThan(0);
      }
    }),
    { numRuns: 500 },
  );
});

test("the JSON reader and the YAML reader find the same values at the same places", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), fc.constantFrom("", "\t", " "), (json, indent) => {
      const content = JSON.stringify(
        { unknown: JSON.parse(json) as unknown, listeners: [{ port: JSON.parse(json) as unknown }] },
        null,
        indent,
      );
      // A comment makes it YAML.
      const asJson = parseNative({ name: "f", content });
      const asYaml = parseNative({ name: "f", content: `${content}\n# YAML` });
      expect(asYaml.diagnostics).toEqual(asJson.diagnostics);
    }),
    { numRuns: 50 },
  );
});
