// Regular expressions of the configuration: the subset of RE2's syntax that can run in linear time, as a tree.
// Validation and gateway read patterns with this one parser, so what one accepts the other runs (decision 0004).
import { limits } from "../limits.ts";
import type { CharacterSet } from "./character-set.ts";
import { anyCharacter, foldCase, notLineFeed, perlClasses } from "./character-set.ts";
import { parseClass } from "./parse-class.ts";
import { PatternReader, PatternSyntaxError } from "./pattern-reader.ts";

export type PatternNode =
  | { readonly kind: "set"; readonly set: CharacterSet }
  | { readonly kind: "assertion"; readonly assertion: Assertion }
  | { readonly kind: "group"; readonly index: number; readonly node: PatternNode }
  | { readonly kind: "sequence"; readonly nodes: readonly PatternNode[] }
  | { readonly kind: "choice"; readonly nodes: readonly PatternNode[] }
  | {
      readonly kind: "repeat";
      readonly node: PatternNode;
      readonly min: number;
      /** `Infinity`: no upper bound. */
      readonly max: number;
      readonly greedy: boolean;
    };

export type Assertion = "start" | "end" | "wordBoundary" | "notWordBoundary";

export interface ParsedPattern {
  readonly node: PatternNode;
  /** Capturing groups, without group 0 (the whole match). */
  readonly groups: number;
}

/** Parses a pattern. Throws {@link PatternSyntaxError}, whose message names the position and what is wrong. */
export function parsePattern(source: string): ParsedPattern {
  if (source.length > limits.regexChars) {
    throw new PatternSyntaxError(`longer than ${limits.regexChars} characters`, 0);
  }
  const reader = new PatternReader(source);
  const node = parseChoice(reader, { ignoreCase: false, dotAll: false }, 0);
  if (!reader.done) reader.fail("')' without '('");
  if (programSize(node) > limits.regexInstructions) {
    throw new PatternSyntaxError(
      `its counted repetitions expand to more than ${limits.regexInstructions} steps`,
      0,
    );
  }
  return { node, groups: reader.groups };
}

/** Why a pattern cannot be used, as one sentence; `undefined` for a pattern that can. */
export function patternError(source: string): string | undefined {
  try {
    parsePattern(source);
    return undefined;
  } catch (error) {
    if (error instanceof PatternSyntaxError) return error.message;
    throw error;
  }
}

interface Flags {
  readonly ignoreCase: boolean;
  readonly dotAll: boolean;
}

/** Nesting that the recursive parser and compiler follow without risk to the stack. */
const maxDepth = 100;

function parseChoice(reader: PatternReader, outer: Flags, depth: number): PatternNode {
  if (depth > maxDepth) reader.fail(`groups nested deeper than ${maxDepth}`);
  let flags = outer;
  const alternatives: PatternNode[] = [];
  let sequence: PatternNode[] = [];
  while (!reader.done && reader.peek() !== ")") {
    if (reader.take("|")) {
      alternatives.push({ kind: "sequence", nodes: sequence });
      sequence = [];
      continue;
    }
    const changed = parseFlags(reader, flags);
    if (changed) {
      flags = changed;
      continue;
    }
    sequence.push(parseRepeat(reader, parseAtom(reader, flags, depth)));
  }
  alternatives.push({ kind: "sequence", nodes: sequence });
  return alternatives.length === 1 ? alternatives[0]! : { kind: "choice", nodes: alternatives };
}

/** `(?i)`, `(?s)`, `(?-i)`: flags for the rest of the group. */
function parseFlags(reader: PatternReader, flags: Flags): Flags | undefined {
  const text = reader.match(/\(\?([a-zA-Z]*)(?:-([a-zA-Z]*))?\)/y);
  return text ? applyFlags(reader, flags, text[1]!, text[2] ?? "") : undefined;
}

function applyFlags(reader: PatternReader, flags: Flags, on: string, off: string): Flags {
  for (const letter of on + off) {
    if (letter !== "i" && letter !== "s") reader.fail(`flag '${letter}' is not supported; 'i' and 's' are`);
  }
  const pick = (letter: string, before: boolean): boolean =>
    off.includes(letter) ? false : before || on.includes(letter);
  return { ignoreCase: pick("i", flags.ignoreCase), dotAll: pick("s", flags.dotAll) };
}

function parseAtom(reader: PatternReader, flags: Flags, depth: number): PatternNode {
  const character = reader.next();
  switch (character) {
    case "(":
      return parseGroup(reader, flags, depth);
    case "[":
      return { kind: "set", set: parseClass(reader, flags.ignoreCase) };
    case ".":
      return { kind: "set", set: flags.dotAll ? anyCharacter : notLineFeed };
    case "^":
      return { kind: "assertion", assertion: "start" };
    case "$":
      return { kind: "assertion", assertion: "end" };
    case "\\":
      return parseEscape(reader, flags);
    case "*":
    case "+":
    case "?":
      return reader.fail(`'${character}' has nothing to repeat`);
    default: {
      const codePoint = character.codePointAt(0)!;
      return setNode([codePoint, codePoint], flags);
    }
  }
}

function setNode(set: CharacterSet, flags: Flags): PatternNode {
  return { kind: "set", set: flags.ignoreCase ? foldCase(set) : set };
}

function parseGroup(reader: PatternReader, flags: Flags, depth: number): PatternNode {
  if (reader.match(/\?(?:[=!]|<[=!])/y)) {
    reader.fail("look-around is not supported: it cannot be matched in linear time");
  }
  const named = reader.match(/\?P?<[A-Za-z_]\w*>/y);
  const scoped = named ? null : reader.match(/\?([a-zA-Z]*)(?:-([a-zA-Z]*))?:/y);
  if (!named && !scoped && reader.peek() === "?") reader.fail("unknown group syntax '(?'");
  const index = scoped ? 0 : reader.nextGroup();
  const inner = scoped ? applyFlags(reader, flags, scoped[1]!, scoped[2] ?? "") : flags;
  const node = parseChoice(reader, inner, depth + 1);
  if (!reader.take(")")) reader.fail("'(' without ')'");
  return scoped ? node : { kind: "group", index, node };
}

function parseEscape(reader: PatternReader, flags: Flags): PatternNode {
  const letter = reader.peek();
  const assertion = letter === undefined ? undefined : escapedAssertions[letter];
  if (assertion) {
    reader.next();
    return { kind: "assertion", assertion };
  }
  const perl = letter === undefined ? undefined : perlClasses[letter];
  if (perl) {
    reader.next();
    return { kind: "set", set: perl };
  }
  const codePoint = reader.escapedCodePoint();
  return setNode([codePoint, codePoint], flags);
}

const escapedAssertions: Readonly<Record<string, Assertion>> = {
  A: "start",
  z: "end",
  b: "wordBoundary",
  B: "notWordBoundary",
};

function parseRepeat(reader: PatternReader, node: PatternNode): PatternNode {
  const counts = parseCounts(reader);
  if (!counts) return node;
  const [min, max] = counts;
  const greedy = !reader.take("?");
  if (parseCounts(reader)) reader.fail("a repetition cannot be repeated");
  return { kind: "repeat", node, min, max, greedy };
}

/** `*`, `+`, `?`, `{n}`, `{n,}`, `{n,m}`. A `{` that starts none of these is a literal, as in RE2. */
function parseCounts(reader: PatternReader): [min: number, max: number] | undefined {
  if (reader.take("*")) return [0, Number.POSITIVE_INFINITY];
  if (reader.take("+")) return [1, Number.POSITIVE_INFINITY];
  if (reader.take("?")) return [0, 1];
  const counted = reader.match(/\{(\d{1,4})(,?)(\d{0,4})\}/y);
  if (!counted) return undefined;
  const min = Number(counted[1]);
  const unbounded = counted[2] === "," && counted[3] === "";
  const max = unbounded ? Number.POSITIVE_INFINITY : counted[3] === "" ? min : Number(counted[3]);
  if (min > 1000 || (max > 1000 && !unbounded)) reader.fail("repetition counts end at 1000");
  if (max < min) reader.fail("repetition counts are the wrong way round");
  return [min, max];
}

/** Instructions that the pattern compiles to; counted repetitions multiply. */
function programSize(node: PatternNode): number {
  switch (node.kind) {
    case "set":
    case "assertion":
      return 1;
    case "group":
      return programSize(node.node) + 2;
    case "sequence":
      return node.nodes.reduce((sum, child) => sum + programSize(child), 0);
    case "choice":
      return node.nodes.reduce((sum, child) => sum + programSize(child) + 2, 0);
    case "repeat": {
      const size = programSize(node.node);
      // A loop is a split and a jump around its body, an optional copy a split in front of it.
      const rest = node.max === Number.POSITIVE_INFINITY ? size + 2 : (node.max - node.min) * (size + 1);
      return node.min * size + rest;
    }
  }
}
