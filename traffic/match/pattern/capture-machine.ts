// Leftmost-first search with captures, all threads in step (Pike's machine). Slower than the automaton: only rewrites
// and patterns with `\b` need it.
import { includesCodePoint, wordCharacters } from "#contract/pattern/character-set.ts";
import type { Assertion } from "#contract/pattern/parse-pattern.ts";
import type { Program } from "#contract/pattern/compile-program.ts";

/** Start and end of the match and of each group, `-1` for a group that took no part: `[start0, end0, start1, …]`. */
export type Captures = readonly number[];

interface Threads {
  /** Instructions in order of preference; only `character` and `accept`. */
  readonly pcs: number[];
  readonly captures: number[][];
}

export interface SearchOptions {
  /** First position that a match may start at. */
  readonly from: number;
  /** The match must be all of the input from `from` on. */
  readonly whole: boolean;
}

/** Finds the first match, preferring as the pattern says. Time: input × instructions. */
export function search(program: Program, input: string, options: SearchOptions): Captures | undefined {
  const slots = 2 + program.groups * 2;
  const marks = new Uint32Array(program.instructions.length);
  let generation = 1;
  const enter = (pc: number): boolean => {
    if (marks[pc] === generation) return false;
    marks[pc] = generation;
    return true;
  };
  let found: Captures | undefined;
  let current: Threads = { pcs: [], captures: [] };
  for (let position = options.from; ;) {
    if (found === undefined && (!options.whole || position === options.from)) {
      // Last in preference: a match that starts further left wins.
      const fresh = Array<number>(slots).fill(-1);
      fresh[0] = position;
      follow(program, input, position, 0, fresh, current, enter);
    }
    generation += 1;
    const codePoint = input.codePointAt(position);
    const next: Threads = { pcs: [], captures: [] };
    if (current.pcs.length === 0) return found;
    const characterClass = codePoint === undefined ? -1 : program.classOf(codePoint);
    const after = position + (codePoint !== undefined && codePoint > 0xffff ? 2 : 1);
    for (const [index, pc] of current.pcs.entries()) {
      const instruction = program.instructions[pc]!;
      const captures = current.captures[index]!;
      if (instruction.op === "accept") {
        if (options.whole && codePoint !== undefined) continue;
        captures[1] = position;
        found = captures;
        // Threads behind this one are less preferred.
        break;
      }
      if (
        instruction.op === "character" &&
        codePoint !== undefined &&
        instruction.classes[characterClass] === 1
      ) {
        follow(program, input, after, pc + 1, captures, next, enter);
      }
    }
    if (codePoint === undefined) return found;
    current = next;
    position = after;
  }
}

/** Adds what is reachable from `start` without a character, in order of preference; `enter` says if a place is new. */
function follow(
  program: Program,
  input: string,
  position: number,
  start: number,
  captures: readonly number[],
  into: Threads,
  enter: (pc: number) => boolean,
): void {
  const stack: [pc: number, captures: readonly number[]][] = [[start, captures]];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const [pc, slots] = top;
    if (!enter(pc)) continue;
    const instruction = program.instructions[pc]!;
    switch (instruction.op) {
      case "character":
      case "accept":
        into.pcs.push(pc);
        into.captures.push([...slots]);
        break;
      case "jump":
        stack.push([instruction.to, slots]);
        break;
      case "split":
        stack.push([instruction.second, slots], [instruction.first, slots]);
        break;
      case "save":
        stack.push([pc + 1, slots.with(instruction.slot, position)]);
        break;
      case "assert":
        if (holds(instruction.assertion, input, position)) stack.push([pc + 1, slots]);
        break;
    }
  }
}

function holds(assertion: Assertion, input: string, position: number): boolean {
  switch (assertion) {
    case "start":
      return position === 0;
    case "end":
      return position === input.length;
    case "wordBoundary":
      return isWord(input, position - 1) !== isWord(input, position);
    case "notWordBoundary":
      return isWord(input, position - 1) === isWord(input, position);
  }
}

function isWord(input: string, position: number): boolean {
  return (
    position >= 0 && position < input.length && includesCodePoint(wordCharacters, input.charCodeAt(position))
  );
}
