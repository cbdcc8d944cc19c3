// Each mistake about counters, with the place and the text of its finding.
import { expect, test } from "vitest";
import { loadConfig } from "../load.ts";

function findings(rule: string, table = "", key = "from: ClientIP"): string[] {
  const content = `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
counterTables:
  - name: t
    maxEntries: 10
    counters: [{ type: General, index: 1 }, { type: GeneralRate, period: 1s }${table}]
    keys: [{ name: k, parts: [{ ${key} }] }]
routes: [{ name: a, rules: [{ backendRefs: [{ name: b }], ${rule} }] }]`;
  const { diagnostics } = loadConfig([{ name: "f", content }]);
  return diagnostics.map(({ code, path, message }) => `${code} ${path}: ${message}`);
}

const at = "routes[0].rules[0]";
const read = (name: string) =>
  `matches: [{ and: [{ texts: [{ parts: [{ from: Counter, name: ${name} }], type: Present }] }] }]`;

test.each([
  ["table", "counting: [{ type: Track, table: u, key: k }]", `${at}.counting[0].table: no counter table`],
  ["key", "counting: [{ type: Track, table: t, key: l }]", `${at}.counting[0].key: the table has no key "l"`],
  [
    "counter",
    "counting: [{ type: Add, table: t, key: k, counter: { type: Tag } }]",
    `${at}.counting[0].counter: the table has no counter "Tag"`,
  ],
  [
    "text",
    read("t/k/General"),
    `${at}.matches[0].and[0].texts[0].parts[0].name: no counter is named "t/k/General"`,
  ],
  ["no name", read("nothing"), `no counter is named "nothing"`],
])("what is not there: %s", (_title, rule, expected) => {
  const [first, ...others] = findings(rule);
  expect(first).toContain("reference-unknown");
  expect(first).toContain(expected);
  expect(others).toEqual([]);
});

test.each([
  "counting: [{ type: Track, table: t, key: k }]",
  "counting: [{ type: Add, table: t, key: k, counter: { type: General, index: 1 } }]",
  // Its rate is kept.
  "counting: [{ type: Add, table: t, key: k, counter: { type: General } }]",
  read("t/k/General/1"),
  read("t/k/Entry"),
])("%s", (rule) => expect(findings(rule)).toEqual([]));

test.each([
  ["a rate without a period", ", { type: RequestRate }", "a period for a rate"],
  ["a count with one", ", { type: RequestCount, period: 1s }", "none for other counters"],
  ["a number where there is one only", ", { type: RequestCount, index: 1 }", "have numbers"],
  ["the same twice", ", { type: General, index: 1 }", `another "General/1"`],
])("a table with %s", (_title, table, expected) => {
  expect(findings("counting: [{ type: Track, table: t, key: k }]", table).join()).toContain(expected);
});

test("a key has no counter in it, however deep", () => {
  const key = "parts: [{ text: a }, { from: Counter, name: t/k/General/1 }]";
  expect(findings("counting: [{ type: Track, table: t, key: k }]", "", key).join()).toContain(
    "no Counter in it",
  );
});
