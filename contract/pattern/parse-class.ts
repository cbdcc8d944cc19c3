// Bracket expressions of patterns: `[a-z]`, `[^/]`, `[[:alpha:]_]`, `[\w.-]`.
import type { CharacterSet } from "./character-set.ts";
import { characterSet, complement, foldCase, perlClasses, posixClasses } from "./character-set.ts";
import type { PatternReader } from "./pattern-reader.ts";

/** Parses what follows the opening bracket, up to and with the closing one. Case folds before the set is negated. */
export function parseClass(reader: PatternReader, ignoreCase: boolean): CharacterSet {
  const negated = reader.take("^");
  const ranges: number[] = [];
  // A closing bracket right after the opening one is a member, as in RE2 and POSIX.
  let first = true;
  while (first || reader.peek() !== "]") {
    first = false;
    if (reader.done) reader.fail("'[' without ']'");
    const member = parseMember(reader);
    if (typeof member !== "number") {
      ranges.push(...member);
      continue;
    }
    const to = parseRangeEnd(reader) ?? member;
    if (to < member) reader.fail("a range in a class is the wrong way round");
    ranges.push(member, to);
  }
  reader.next();
  const set = ignoreCase ? foldCase(characterSet(ranges)) : characterSet(ranges);
  return negated ? complement(set) : set;
}

/** One code point, or a whole class. */
function parseMember(reader: PatternReader): number | CharacterSet {
  const posix = reader.match(/\[:(\^?)([a-z]+):\]/y);
  if (posix) {
    const set = posixClasses[posix[2]!];
    if (!set) return reader.fail(`class '[:${posix[2]}:]' does not exist`);
    return posix[1] === "^" ? complement(set) : set;
  }
  if (!reader.take("\\")) return reader.next().codePointAt(0)!;
  const letter = reader.peek();
  const perl = letter === undefined ? undefined : perlClasses[letter];
  if (!perl) return reader.escapedCodePoint();
  reader.next();
  return perl;
}

/** The upper end of `a-z`. A hyphen before the closing bracket is a member. */
function parseRangeEnd(reader: PatternReader): number | undefined {
  if (!reader.match(/-(?!\])/y)) return undefined;
  if (reader.done) reader.fail("'[' without ']'");
  const end = parseMember(reader);
  return typeof end === "number" ? end : reader.fail("a range in a class ends in a class");
}
