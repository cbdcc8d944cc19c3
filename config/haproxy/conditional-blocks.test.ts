import { expect, test } from "vitest";
import { blockCondition } from "./block-condition.ts";
import { createNotes } from "./notes.ts";
import { readSections } from "./read-sections.ts";

test.each([
  ["", false],
  ["0", false],
  ["1", true],
  ["-1", true],
  ["!1", false],
  ["!!1", true],
  ["0 || 1 && 0", false],
  ["1 || 0 && 0", true],
  ["(1 || 0) && 0", false],
  ["! ( 0 || 0 )", true],
  ["feature(OPENSSL)", true],
  ["feature(LUA)", false],
  ["enabled(EPOLL)", true],
  ["version_atleast(2.6)", true],
  ["version_atleast(2.6.1-dev3)", true],
  ["version_atleast(3.2.0)", true],
  ["version_atleast(3.2.1)", false],
  ["version_before(3.2-dev1)", false],
  ["version_before(3.3-dev1)", true],
  ["openssl_version_atleast(1.1.1)", true],
  ["ssllib_name_startswith(OpenSSL)", true],
  ["ssllib_name_startswith(AWS-LC)", false],
  ["streq(a,a)", true],
  ["streq(a, a)", false],
  ["strstr(gold,ol)", true],
  ["defined(X)", true],
])("%s is %s", (text, expected) => {
  expect(blockCondition(text, new Map([["X", ""]]))).toBe(expected);
});

test.each([
  "(1",
  "1)",
  "1 1",
  "feature(",
  "nothing(1)",
  "version_atleast(x)",
  "&& 1",
  "defined(Y)",
  "(".repeat(500),
])("%s is an error", (text) => {
  expect(() => blockCondition(text, new Map())).toThrow(/condition|predicate|version|variable/);
});

/** First words of the statements that count. */
function statements(text: string): string[] {
  const notes = createNotes("haproxy.cfg");
  const sections = readSections(`global\n${text}`, notes);
  return sections.flatMap((section) => section.statements.map(({ words }) => words[0]!.text));
}

test("one branch of a block counts", () => {
  const block = (first: string, second: string) =>
    statements(`.if ${first}\na\n.elif ${second}\nb\n.else\nc\n.endif\nd`);
  expect(block("1", "1")).toEqual(["a", "d"]);
  expect(block("0", "1")).toEqual(["b", "d"]);
  expect(block("0", "0")).toEqual(["c", "d"]);
});

test("in a branch that does not count nothing does", () => {
  expect(statements(`.if 0\n.if 1\na\n.else\nb\n.endif\nsetenv A 1\nx "$B"\n.endif\nc\n`)).toEqual(["c"]);
});

test("of a block with an unreadable condition no branch counts", () => {
  expect(statements(`.if wrong(\na\n.else\nb\n.endif\nc`)).toEqual(["c"]);
  expect(statements(`.if 0\na\n.elif wrong(\nb\n.else\nc\n.endif\nd`)).toEqual(["d"]);
});
