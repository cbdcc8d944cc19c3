// Sets of code points, as sorted, disjoint, inclusive ranges: [from, to, from, to, …].

export type CharacterSet = readonly number[];

export const lastCodePoint = 0x10ffff;

/** Sorts and joins ranges that touch. */
export function characterSet(ranges: readonly number[]): CharacterSet {
  const pairs: [number, number][] = [];
  for (let index = 0; index < ranges.length; index += 2) pairs.push([ranges[index]!, ranges[index + 1]!]);
  pairs.sort((a, b) => a[0] - b[0]);
  const joined: number[] = [];
  for (const [from, to] of pairs) {
    const last = joined.length - 1;
    if (last > 0 && from <= joined[last]! + 1) joined[last] = Math.max(joined[last]!, to);
    else joined.push(from, to);
  }
  return joined;
}

export function complement(set: CharacterSet): CharacterSet {
  const result: number[] = [];
  let next = 0;
  for (let index = 0; index < set.length; index += 2) {
    if (set[index]! > next) result.push(next, set[index]! - 1);
    next = set[index + 1]! + 1;
  }
  if (next <= lastCodePoint) result.push(next, lastCodePoint);
  return result;
}

/** Adds the other case of every ASCII letter in the set: `(?i)` folds ASCII only, as paths and header names do. */
export function foldCase(set: CharacterSet): CharacterSet {
  const added = [...set];
  for (let index = 0; index < set.length; index += 2) {
    addShifted(added, set[index]!, set[index + 1]!, 0x41, 0x5a, 32);
    addShifted(added, set[index]!, set[index + 1]!, 0x61, 0x7a, -32);
  }
  return characterSet(added);
}

function addShifted(
  into: number[],
  from: number,
  to: number,
  low: number,
  high: number,
  shift: number,
): void {
  const first = Math.max(from, low);
  const last = Math.min(to, high);
  if (first <= last) into.push(first + shift, last + shift);
}

export function includesCodePoint(set: CharacterSet, codePoint: number): boolean {
  for (let index = 0; index < set.length; index += 2) {
    if (codePoint < set[index]!) return false;
    if (codePoint <= set[index + 1]!) return true;
  }
  return false;
}

const span = (from: string, to: string): [number, number] => [from.charCodeAt(0), to.charCodeAt(0)];

const digit = characterSet(span("0", "9"));
const word = characterSet([...span("0", "9"), ...span("A", "Z"), ...span("a", "z"), ...span("_", "_")]);
/** RE2's `\s`: no vertical tab. */
const space = characterSet([...span("\t", "\n"), ...span("\f", "\r"), ...span(" ", " ")]);

export const wordCharacters = word;

/** Everything but a line feed: `.` without the `s` flag. */
export const notLineFeed = complement([10, 10]);
export const anyCharacter: CharacterSet = [0, lastCodePoint];

/** `\d` and its like. */
export const perlClasses: Readonly<Record<string, CharacterSet>> = {
  d: digit,
  D: complement(digit),
  w: word,
  W: complement(word),
  s: space,
  S: complement(space),
};

/** `[[:alpha:]]` and its like, ASCII only, as in RE2. */
export const posixClasses: Readonly<Record<string, CharacterSet>> = {
  alnum: characterSet([...span("0", "9"), ...span("A", "Z"), ...span("a", "z")]),
  alpha: characterSet([...span("A", "Z"), ...span("a", "z")]),
  ascii: [0, 127],
  blank: characterSet([...span("\t", "\t"), ...span(" ", " ")]),
  cntrl: [0, 31, 127, 127],
  digit,
  graph: span("!", "~"),
  lower: span("a", "z"),
  print: span(" ", "~"),
  punct: characterSet([...span("!", "/"), ...span(":", "@"), ...span("[", "`"), ...span("{", "~")]),
  space: characterSet([...span("\t", "\r"), ...span(" ", " ")]),
  upper: span("A", "Z"),
  word,
  xdigit: characterSet([...span("0", "9"), ...span("A", "F"), ...span("a", "f")]),
};
