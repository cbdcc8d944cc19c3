import { expect, test } from "vitest";
import { splitWords } from "./split-words.ts";

const texts = (line: string) => splitWords(line).words.map(({ text }) => text);

test.each<[line: string, words: string[]]>([
  ["  acl  a path /x # comment", ["acl", "a", "path", "/x"]],
  ["bind *:80#comment", ["bind", "*:80"]],
  [`"a b" 'c d' e\\ f`, ["a b", "c d", "e f"]],
  [`"#" '#' \\#x`, ["#", "#", "#x"]],
  [`a"b c"d'e f'g`, ["ab cde fg"]],
  [`"it's" 'say "x"'`, ["it's", 'say "x"']],
  [`"a\\"b" a\\'b "\\$x" '\\n' "\\n"`, ['a"b', "a'b", "$x", "\\n", "\n"]],
  [`\\.jpg$ ^/(a|b)\\d \\1`, ["\\.jpg$", "^/(a|b)\\d", "\\1"]],
  [`"" x ''`, ["", "x", ""]],
  [`\\x41\\x42 \\\\x41`, ["AB", "\\x41"]],
  [`'$HOME' $HOME`, ["$HOME", "$HOME"]],
  [`trailing\\`, ["trailing\\"]],
  ["a\tb\r", ["a", "b"]],
])("%j is %j", (line, words) => {
  expect(splitWords(line).problem).toBeUndefined();
  expect(texts(line)).toEqual(words);
});

test.each<[line: string, words: string[]]>([
  [`bind ":$PORT"`, ["bind", ":80"]],
  [`"\${PORT}\${NONE-x}"`, ["80x"]],
  [`a "\${LIST}" b`, ["a", " one  two ", "b"]],
  // As many words as it has.
  [`a "x\${LIST[*]}y" b`, ["a", "xone", "twoy", "b"]],
  [`a "\${EMPTY[*]}" b`, ["a", "", "b"]],
])("of variables %j is %j", (line, words) => {
  const environment = new Map([
    ["PORT", "80"],
    ["LIST", " one  two "],
    ["EMPTY", ""],
  ]);
  expect(splitWords(line, environment).words.map(({ text }) => text)).toEqual(words);
});

test("columns count from 1", () => {
  expect(splitWords(`  use_backend  "a b" if x`).words.map(({ column }) => column)).toEqual([3, 16, 22, 25]);
});

test.each([
  [`acl a "x`, "haproxy-syntax", 7],
  [`acl 'x`, "haproxy-syntax", 5],
  [`a \\xZZ`, "haproxy-syntax", 3],
  [`bind "\${PORT}"`, "environment-variable", 7],
  [`bind "$PORT"`, "environment-variable", 7],
])("%j: %s at column %i", (line, code, column) => {
  expect(splitWords(line).problem).toMatchObject({ code, column });
});
