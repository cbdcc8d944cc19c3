// Random lines of YAML, right and wrong, for tests of its readers.
import * as fc from "fast-check";

/** Values, keys and marks in all the shapes that a person or a program gives them, and some that are wrong. */
export const words = [
  ..."a|b c|http://x/y?z#w|10.0.0.1|80|-5|1e3|0x1F|0o17|1_000|.5|-0|007|~|null|True|yes|2026-01-01|a:b|a#b".split(
    "|",
  ),
  ...`"q # q"|"a: b"|"\\n"|'it''s'|''|""|"open|'open|*|&a|*a|!t|%|@|?|-|:|,|]|}|[|{|<<|__proto__`.split("|"),
  ..."[]|{}|[a, 1, ~]|[a, ]|[[b], {c: d}]|{ a: 1, b: [x] }|{a}|{a: }|{ a: 1, a: 2 }|[a: b]|{ \"q\": 'r' }".split(
    "|",
  ),
  "|",
  ">-",
  "|+",
  "# comment",
  "a # comment",
  "a\tb",
  "[a,",
  "ü",
];
const word = fc.constantFrom(...words);
const key = fc.constantFrom("a", "b", "a-b/c.d", '"q k"', "'r'", "80", "null", "<<", "?", "a b", "x");
const line = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(key, word).map(([name, value]) => `${name}: ${value}`) },
  { weight: 3, arbitrary: key.map((name) => `${name}:`) },
  { weight: 3, arbitrary: fc.tuple(key, word).map(([name, value]) => `- ${name}: ${value}`) },
  { weight: 2, arbitrary: word.map((value) => `- ${value}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("-", "- -", "- - a", "-   wide: 1", "? a", "#", "", "   ", "---", "]"),
  },
  { weight: 1, arbitrary: word },
);
const indent = fc.constantFrom("", "", "  ", "  ", "    ", "      ", "\t", " ");
export const randomYaml = fc
  .array(
    fc.tuple(indent, line).map(([margin, content]) => margin + content),
    { minLength: 1, maxLength: 9 },
  )
  .map((lines) => `${lines.join("\n")}\n`);
