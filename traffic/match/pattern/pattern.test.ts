// The pattern engine against the runtime's own backtracking one, where both mean the same, and against tables where
// they do not.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { patternError } from "#contract/pattern/parse-pattern.ts";
import { compilePattern } from "./pattern.ts";

test.each<[source: string, matching: string[], other: string[]]>([
  ["/api/v[0-9]+/.*", ["/api/v1/", "/api/v22/x"], ["/api/v/x", "/api/v1", "x/api/v1/"]],
  ["/a|/b", ["/a", "/b"], ["/ab", "/a/b", ""]],
  ["^/a$", ["/a"], ["/a\n", "/ab"]],
  ["\\A/a\\z", ["/a"], ["/b"]],
  ["a^b|c$d", [], ["ab", "cd"]],
  ["", [""], ["a"]],
  ["a{2,3}", ["aa", "aaa"], ["a", "aaaa"]],
  ["a{2}b{1,}", ["aab", "aabb"], ["ab", "aa"]],
  ["a{,2}", ["a{,2}"], ["aa"]],
  ["x{", ["x{"], ["x"]],
  ["[^/]+", ["abc", "é😀"], ["", "a/b"]],
  ["[]a-]+", ["]", "a-]"], ["b"]],
  ["[[:alpha:]_][[:^digit:]]", ["a_", "_x"], ["1a", "a1"]],
  ["[\\w.-]+", ["a.b-c_1"], ["a/b"]],
  ["\\d\\D\\s\\S\\W", ["1a b/"], ["aa b/"]],
  ["(?i)/Admin", ["/admin", "/ADMIN"], ["/adm1n"]],
  ["/(?i:a)b", ["/ab", "/Ab"], ["/AB"]],
  ["(?i)[^a]", ["b"], ["a", "A"]],
  ["(?s).", ["\n"], [""]],
  [".", ["a", "😀"], ["\n", "ab"]],
  ["\\x41\\x{1F600}\\.\\/", ["A😀./"], ["A😀x/"]],
  ["(?P<a>x)(?<b>y)", ["xy"], ["x"]],
  [".*\\bbot\\b.*", ["a bot b", "bot"], ["robot", "bots"]],
  ["a\\Bb", ["ab"], ["a b"]],
  ["(a*)*", ["", "aaa"], ["b"]],
  ["(a|ab)(c|bcd)(d*)", ["abcd", "acd"], ["abc d"]],
])("%s", (source, matching, other) => {
  const pattern = compilePattern(source);
  for (const input of matching) expect(pattern.test(input), input).toBe(true);
  for (const input of other) expect(pattern.test(input), input).toBe(false);
});

test.each<[source: string, reason: string]>([
  ["(", "'(' without ')'"],
  [")", "')' without '('"],
  ["[a", "'[' without ']'"],
  ["[]", "'[' without ']'"],
  ["[z-a]", "wrong way round"],
  ["[a-\\d]", "ends in a class"],
  ["[[:nope:]]", "does not exist"],
  ["*a", "nothing to repeat"],
  ["a**", "cannot be repeated"],
  ["a{2,1}", "wrong way round"],
  ["a{1001}", "end at 1000"],
  ["(((a{100}){100}){100})", "expand to more than"],
  ["(?=a)", "look-around"],
  ["(?<!a)", "look-around"],
  ["(a)\\1", "back-references"],
  ["\\p{L}", "not supported"],
  ["\\", "ends in a backslash"],
  ["(?x)a", "flag 'x'"],
  ["(?>a)", "unknown group"],
  ["\\x{110000}", "10FFFF"],
  ["(".repeat(200) + ")".repeat(200), "nested deeper"],
  ["a".repeat(2000), "longer than"],
])("%s is refused", (source, reason) => {
  expect(patternError(source)).toContain(reason);
  expect(() => compilePattern(source)).toThrow(reason);
});

// Patterns whose syntax and meaning RE2 and ECMAScript share, over an alphabet small enough to hit.
const atom = fc.constantFrom(
  "a",
  "b",
  "/",
  ".",
  "[ab]",
  "[^a]",
  "\\d",
  "\\w",
  "1",
  "(a)",
  "(?:ab)",
  "(a|b)",
  "(|a)",
);
const quantifier = fc.constantFrom("", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,}");
const factor = fc.tuple(atom, quantifier).map(([body, times]) => body + times);
const sequence = fc.array(factor, { maxLength: 4 }).map((factors) => factors.join(""));
const source = fc
  .array(
    fc.oneof(
      sequence,
      sequence.map((body) => `(${body})`),
      sequence.map((body) => `^${body}$`),
    ),
    {
      minLength: 1,
      maxLength: 3,
    },
  )
  .map((branches) => branches.join("|"));
const input = fc.string({ unit: fc.constantFrom("a", "b", "/", "1", "x", "\n"), maxLength: 8 });

test("whole matches agree with the runtime's engine", { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(source, fc.array(input, { minLength: 1, maxLength: 5 }), (pattern, inputs) => {
      const compiled = compilePattern(pattern);
      const word = compilePattern(`(?:${pattern})(?:\\b|\\B)`);
      const native = new RegExp(`^(?:${pattern})$`);
      for (const text of inputs) {
        expect(compiled.test(text)).toBe(native.test(text));
        expect(word.test(text)).toBe(native.test(text));
      }
    }),
    { numRuns: 1_500 },
  );
});

// Without repeated groups that can be empty: there the two dialects differ on purpose.
const simpleAtom = fc.constantFrom("a", "b", "/", ".", "[ab]", "[^a]", "\\d", "(a)", "(?:ab)", "(a|b)");
const simpleSource = fc
  .array(
    fc.array(
      fc.tuple(simpleAtom, quantifier).map(([body, times]) => body + times),
      { minLength: 1, maxLength: 4 },
    ),
    { minLength: 1, maxLength: 2 },
  )
  .map((branches) => branches.map((factors) => factors.join("")).join("|"));

test("the leftmost match agrees with the runtime's engine", { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(simpleSource, input, (pattern, text) => {
      const marked = compilePattern(pattern).replaceAll(text, "<\\0>");
      expect(marked).toBe(text.replace(new RegExp(pattern, "g"), "<$&>"));
    }),
    { numRuns: 1_500 },
  );
});

test.each<[source: string, substitution: string, input: string, output: string]>([
  ["^/service/([^/]+)(/.*)$", "\\2/instance/\\1", "/service/foo/v1/api", "/v1/api/instance/foo"],
  ["one", "two", "/xxx/one/yyy/one/zzz", "/xxx/two/yyy/two/zzz"],
  ["^(.*?)one(.*)$", "\\1two\\2", "/xxx/one/yyy/one/zzz", "/xxx/two/yyy/one/zzz"],
  ["(?i)/xxx/", "/yyy/", "/aaa/XxX/bbb", "/aaa/yyy/bbb"],
  ["x*", "-", "abc", "-a-b-c-"],
  ["(a)|(b)", "[\\1\\2\\9]", "ab", "[a][b]"],
  ["a", "\\\\0$&", "a", "\\0$&"],
  ["z", "y", "abc", "abc"],
])("%s with %s turns %s into %s", (source, substitution, input, output) => {
  expect(compilePattern(source).replaceAll(input, substitution)).toBe(output);
});

test("a rewrite replaces a bounded number of matches", () => {
  expect(compilePattern("a").replaceAll("a".repeat(150), "b")).toBe("b".repeat(100) + "a".repeat(50));
});

test(
  "patterns that explode elsewhere stay linear: twenty thousand characters each",
  { timeout: 60_000 },
  () => {
    for (const source of ["(a+)+", "(a|a)*", "(a|aa)+", "(.*a){20}", "(a?){50}a{50}", "(?:a.*)*b.*"]) {
      expect(compilePattern(source).test("a".repeat(20_000) + "\n")).toBe(false);
      expect(compilePattern(`${source}\\b`).test("a".repeat(500) + "\n")).toBe(false);
    }
  },
);

test("an automaton with more states than it may keep still answers right", { timeout: 60_000 }, () => {
  // The state has to remember the last twelve characters: 4,096 combinations.
  const pattern = compilePattern("(?:.|\\n)*a.{11}");
  const text = Array.from({ length: 30_000 }, (_, index) =>
    (index * index * 31 + index) % 7 < 3 ? "a" : "b",
  ).join("");
  for (const end of [100, 5_000, 29_999]) {
    const input = text.slice(0, end);
    expect(pattern.test(input)).toBe(input.at(-12) === "a");
  }
});
