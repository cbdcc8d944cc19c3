import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseNative } from "./parse.ts";
import { readWholeStream, readYaml, readYamlStream } from "./yaml-document.ts";
import { randomYaml, words } from "./yaml.fixture.ts";
import { readPlainYaml } from "./yaml-events.ts";

/** `undefined`: one of the documents is not plain. */
function readPlain(text: string, charsAtOnce?: number): unknown[] | undefined {
  return readPlainYaml(text, charsAtOnce)?.map(({ value }) => value);
}

/** What the `yaml` package makes of it; `undefined`: an error. */
function readByGrammar(text: string): unknown[] | undefined {
  const { documents, problems } = readWholeStream(text);
  return problems.length > 0 ? undefined : documents.map(({ value }) => value);
}

const exists = (value: unknown): boolean => value !== null;

function expectNoDifference(text: string): void {
  for (const charsAtOnce of [undefined, 0, 20]) {
    const plain = readPlain(text, charsAtOnce);
    // Where it is not plain, the grammar has the word anyway.
    if (plain) expect(plain.filter(exists), text).toEqual(readByGrammar(text));
  }
}

/** The same texts each time: hundreds of thousands of others were tried when this was written. */
const seed = 20261128;

test("what is read from events, whole or in pieces, is what the grammar makes of it", () => {
  fc.assert(fc.property(randomYaml, expectNoDifference), { seed, numRuns: 5_000 });
});

const manifest = `# before
apiVersion: v1
kind: Service
metadata:
  name: shop
  annotations: { "example.com/a": "1", b: x }   # behind
  labels:
    app.kubernetes.io/name: shop
spec:
  ports:
  - port: 80
    name: http
  -   port: 443
      names: [a, 'b', "c"]
  text: |
    literal
      # no comment

    more
  folded: several
    words
  flow: {
    a: 1
    }

---
kind: Secret
list:
  - plain
  -
    nested: true
  - - a
    - 1.5
  -
`;

test("so is any part of a manifest, and one with something put into it", () => {
  const places = fc.tuple(
    fc.nat(manifest.length),
    fc.nat(manifest.length),
    fc.constantFrom("", "\n", ...words),
  );
  fc.assert(
    fc.property(places, ([from, to, put]) =>
      expectNoDifference(manifest.slice(0, Math.min(from, to)) + put + manifest.slice(Math.max(from, to))),
    ),
    { seed, numRuns: 3_000 },
  );
});

test("a manifest is plain, whatever single values are", () => {
  expect(readPlain(manifest)).toEqual(readByGrammar(manifest));
  expect(readPlain(manifest, 0)).toEqual(readByGrammar(manifest));
});

test.each<[string, string]>([
  ["an alias", "a: &a 1\nb: *a\n"],
  ["an alias in an item", "routes:\n  - &a x\n  - *a\n"],
  ["a merge", "base: &b {}\nroutes:\n  - { <<: *b }\n"],
  ["a merge without an alias", "a: 1\n<<: { a: 2 }\n"],
  ["a directive", "%YAML 1.2\n---\na: 1\n"],
  ["the end of a document", "a: 1\n...\n"],
  ["a bracket less indented than it should be", "a:\n  b: [\n    1\n  ]\n"],
  ["a tag", "a:\n  b: !secret y\n"],
  ["a key twice", "a: 1\nb: 2\na: 3\n"],
  ["a key twice in a line", "a: { b: 1, b: 2 }\n"],
  ["an open bracket", "a:\n  - [\nb: 1\n"],
  ["a tab as indentation", "a:\n\tb: 1\n"],
  ["an odd indentation", "a:\n    b: 1\n  c: 2\n"],
  ["a list where a key is due", "a: 1\n- b\n"],
  ["line ends of Windows", "a: 1\r\n"],
  ["nesting", `a: ${"[".repeat(500)}`],
  ["nesting over lines", Array.from({ length: 100 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n")],
])("%s: the whole grammar has the word", (_name, source) => {
  expect(readPlain(source)).toBeUndefined();
});

test("a mark before the one document, and comments before that, are no document", () => {
  const { document } = readYaml("# licence\n---\na: 1\n");
  expect(document?.value).toEqual({ a: 1 });
  expect(readYaml("a: 1\n---\n").problems).toMatchObject([{ code: "yaml-several-documents" }]);
});

const route = (name: string, more = "") =>
  `  - name: ${name}\n    hostnames: [${name}.example.com]\n    rules: [{}]\n${more}`;

test("what is wrong in a list is found at its line and column", () => {
  const routes = Array.from({ length: 200 }, (_, index) => route(`r${index}`)).join("");
  const head = "listeners: [{ name: web, protocol: HTTP, port: 80 }]\nroutes:\n";
  const content = `${head}${routes}${route("bad", "    colour: red\n")}${routes}backends:\n  - nome: x\n`;
  const { diagnostics } = parseNative({ name: "f", content });
  expect(diagnostics).toMatchObject([
    { code: "field-unknown", path: "routes[200].colour", line: 2 + 600 + 4, column: 5 },
    { code: "field-missing", path: "backends[0].name", line: 2 + 1_204 + 2, column: 5 },
    { code: "field-unknown", path: "backends[0].nome", line: 2 + 1_204 + 2, column: 5 },
  ]);
});

test("line ends of Windows change no value and no place", () => {
  const withCr = (text: string): string => text.replaceAll(/\r?\n/g, "\r\n");
  const values = (text: string): unknown => {
    const { documents, problems } = readYamlStream(text);
    return problems.length > 0 ? undefined : documents.map(({ value }) => value);
  };
  expect(values(withCr(manifest))).toEqual(values(manifest));
  fc.assert(
    fc.property(randomYaml, (text) => {
      expect(values(withCr(text)), text).toEqual(readByGrammar(withCr(text)));
    }),
    { seed, numRuns: 1_000 },
  );
  const path = ["list", 1, "nested"];
  expect(readYamlStream(withCr(manifest)).documents[1]!.locate(path, "value")).toEqual(
    readWholeStream(manifest).documents[1]!.locate(path, "value"),
  );
});

test.each<[string, string]>([
  ["an apostrophe in a comment", "# it's\na: 1 # it's\nb: [c] # [it's]\n"],
  ["brackets in plain text", "a: /x/[0-9]+\nb: { c: d }\ne: f]g h\n"],
  ["quotes in plain text", 'a: it\'s so\nb: say "no" twice\n'],
  ["keys in quotes", '"a": 1\n\'b\' : [{ "c": 2, d: [] }, e: f]\n'],
  ["a comment within brackets", "a: [ # it's ]\n  b, # c ]\n  d ]\n"],
])("%s: nothing that needs the whole grammar", (_name, source) => {
  expect(readPlain(source)).toEqual(readByGrammar(source));
});

test.each([
  ["text behind a quoted value", "a: 'b' c\n"],
  ["text behind a bracket", "a: [b] c\n"],
  ["a key behind a bracket", "- { a: b }  c: d\n"],
  ["a quote behind a bracket", 'a: [b]"c"\n'],
])("%s: the whole grammar refuses it", (_name, source) => {
  expect(readPlain(source)).toBeUndefined();
  expect(readByGrammar(source)).toBeUndefined();
});

test("places of every item and field are those that the grammar gives", () => {
  const source =
    "# a\n---\nfirst:\n- x: 1\n  # c\n  y: [2,\n    3]\n\n- z\nsecond: { u: v }\nthird:\n    -\n      w: 1\n";
  const whole = readYaml(`${source}fourth: &a 1\nfifth: *a\n`).document!;
  const plain = readYaml(source).document!;
  const inPieces = readPlainYaml(source, 0)![0]!;
  const paths = [
    ["first"],
    ["first", 0],
    ["first", 0, "x"],
    ["first", 0, "y", 1],
    ["first", 0, "missing"],
    ["first", 1],
    ["first", 7],
    ["second", "u"],
    ["third", 0, "w"],
  ];
  for (const path of paths) {
    expect(inPieces.itemSpan(path), path.join(".")).toEqual(readPlainYaml(source)![0]!.itemSpan(path));
    for (const at of ["key", "value"] as const) {
      expect(plain.locate(path, at), path.join(".")).toEqual(whole.locate(path, at));
    }
  }
});

test("an error in one document of a stream is told at its place", () => {
  expect(readYamlStream("a: 1\n---\nb: [c\nd: 1\n").problems[0]).toMatchObject({
    code: "yaml-syntax",
    line: 4,
  });
});
