// What is said about text that is no configuration: line:column, severity, message, path, code.
import { expect, test } from "vitest";
import { formatDiagnostic } from "#contract/diagnostic.ts";
import { loadConfig } from "../load.ts";

const cases: [name: string, content: string, expected: string[]][] = [
  [
    "a key twice in a map",
    `listeners: []
routes: []
listeners: []
`,
    ['3:1: error: the key "listeners" is already in this map [key-duplicate]'],
  ],
  [
    "a key twice in JSON",
    `{
  "routes": [],
  "routes": []
}
`,
    ['3:3: error: the key "routes" is already in this map [key-duplicate]'],
  ],
  [
    "two documents",
    `listeners: []
---
routes: []
`,
    ["2:1: error: expected one document, found a second one [yaml-several-documents]"],
  ],
  [
    "a truncated file",
    `listeners:
  - { name: web, protocol: HT`,
    [
      "2:30: error: not valid YAML: flow map in block collection must be sufficiently indented and end with a } [yaml-syntax]",
    ],
  ],
  [
    "truncated JSON",
    `{ "listeners": [`,
    [
      "1:17: error: not valid YAML: flow sequence in block collection must be sufficiently indented and end with a ] [yaml-syntax]",
      "1:17: error: not valid YAML: flow map must end with a } [yaml-syntax]",
    ],
  ],
  [
    "a tab as indentation",
    `listeners:
\t- name: web
`,
    ["2:1: error: not valid YAML: tabs are not allowed as indentation [yaml-syntax]"],
  ],
  [
    "nested mappings on one line",
    `listeners: a: b
`,
    ["1:12: error: not valid YAML: nested mappings are not allowed in compact mappings [yaml-syntax]"],
  ],
  [
    "an unknown alias, and one inside of its anchor",
    `listeners: *x
routes: &r [*r]
`,
    [
      "1:12: error: the alias *x has no anchor before it [yaml-alias]",
      "2:13: error: the alias *r is inside of its own anchor [yaml-alias]",
    ],
  ],
  [
    "a tag",
    `listeners: !x []
routes: !!binary aGk=
!y backends: []
`,
    [
      "1:15: error: tags have no meaning here; found !x [yaml-tag]",
      "2:18: error: tags have no meaning here; found tag:yaml.org,2002:binary [yaml-tag]",
      "3:4: error: tags have no meaning here; found !y [yaml-tag]",
    ],
  ],
  [
    "a key that is a list",
    `? [a]
: 1
`,
    ["1:3: error: expected a name as key, found a list, a map or an alias [yaml-key]"],
  ],
  [
    "a merge key without a map",
    `listeners:
  - { <<: 3 }
`,
    ["2:7: error: << expects a map, or a list of maps [yaml-merge]"],
  ],
  [
    "merge keys with aliases that are wrong themselves",
    `listeners: &a { <<: *a }
routes: { <<: [*b] }
`,
    [
      "1:21: error: the alias *a is inside of its own anchor [yaml-alias]",
      "2:16: error: the alias *b has no anchor before it [yaml-alias]",
    ],
  ],
  [
    "YAML 1.1",
    `%YAML 1.1
---
listeners: []
`,
    ['1:1: error: expected YAML 1.2; found 1.1, in which "yes" and "on" mean true [yaml-syntax]'],
  ],
  [
    "carriage returns alone",
    "# a comment ends with its line\rlisteners: 1\r",
    ["2:12: error: expected a list; found 1 (at listeners) [field-type]"],
  ],
  ["an empty file", ``, ["1:1: error: the file has no configuration in it [file-empty]"]],
  [
    "nothing but comments",
    `# nothing
`,
    ["1:1: error: the file has no configuration in it [file-empty]"],
  ],
  [
    "a NUL byte",
    `listeners: []
routes: \u0000
`,
    ["2:9: error: not a text file in UTF-8: found the character U+0000 [text-invalid]"],
  ],
  [
    "bytes that are not UTF-8, as decoders give them",
    `# caf\uFFFD
`,
    ["1:6: error: not a text file in UTF-8: found the character U+FFFD [text-invalid]"],
  ],
];

test.each(cases)("%s", (_name, content, expected) => {
  const { diagnostics } = loadConfig([{ name: "f", content }]);
  expect(diagnostics.map((diagnostic) => formatDiagnostic(diagnostic).slice(2).split("\n")[0])).toEqual(
    expected,
  );
});
