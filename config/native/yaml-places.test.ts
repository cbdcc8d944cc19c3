// Places from events are those of the tree.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Path } from "../report.ts";
import { readWholeStream, readYaml, readYamlStream } from "./yaml-document.ts";
import { randomYaml } from "./yaml.fixture.ts";

function* pathsOf(value: unknown, path: Path = []): Iterable<Path> {
  yield path;
  // Where nothing is, too.
  yield [...path, "missing"];
  yield [...path, 99];
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value))
    yield* pathsOf(inner, [...path, Array.isArray(value) ? Number(key) : key]);
}

function expectNoDifference(text: string): void {
  const found = readYamlStream(text);
  const expected = readWholeStream(text);
  for (const [index, document] of found.documents.entries()) {
    for (const path of pathsOf(document.value)) {
      for (const at of ["key", "value"] as const) {
        const message = `${JSON.stringify(text)} ${path.join(".")} ${at}`;
        expect(document.locate(path, at), message).toEqual(expected.documents[index]!.locate(path, at));
      }
    }
  }
}

test("of random documents", () => {
  fc.assert(fc.property(randomYaml, expectNoDifference), { seed: 20261128, numRuns: 1_000 });
});

test("of every kind of value", () => {
  const text = `# before
a: 1   # behind
"quoted key": 'x'
'k': "y"
block: |
  text
folded: >-
  text
several: lines
  of text
empty:
map: {a: 1, "b": [x, 'y', {z: 1}], c: , d}
list:
- a
-   wide: 1
    narrow: 2
- - nested
-
- |
  text
other:
  - x: 1
  # between
  - y:
      deep: 1
---

- 1
--- # three
x
`;
  expect(readYamlStream(text).documents).toHaveLength(3);
  expectNoDifference(text);
});

test("of items of a long list, each of which is read by itself", () => {
  const text = "list:\n  - a: 1\n    b: {c: 2}\n  # x\n  - a:\n      - 1\n";
  const { document } = readYaml(text);
  expect(document!.locate(["list", 0, "b", "c"], "key")).toEqual({ line: 3, column: 9 });
  expect(document!.locate(["list", 1, "a", 0], "value")).toEqual({ line: 6, column: 9 });
  expect(document!.locate(["list", 1, "z"], "value")).toEqual({ line: 5, column: 5 });
});
