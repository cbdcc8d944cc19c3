// What two regular expressions have in common, decided by their automata: whether one takes every text that the other
// takes, and whether there is a text that both take.
import { compileProgram, type Program } from "#contract/pattern/compile-program.ts";
import { parsePattern } from "#contract/pattern/parse-pattern.ts";

/** Pairs of states that one question may look at. */
const maxPairs = 1_000;
/** Those that all questions together may look at. */
const maxAllPairs = 30_000;
/** Characters of normalised paths (docs/paths.md), but for the slash. */
const pathCharacters = [
  ..."!$%&'()*+,-.0123456789:;=@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~",
];

/** The texts that count: all, or those that are normalised paths, as far as characters and slashes go. */
export type Universe = "texts" | "paths";

/** Answers questions about expressions, as many as its budget allows; beyond, it says no. */
export class PatternRelations {
  readonly #programs = new Map<string, Numbered | undefined>();
  /** Rules of a route with many hosts are compared once for each. Every answer has taken of the budget. */
  readonly #answers = new Map<string, boolean>();
  #pairs = 0;

  get isExhausted(): boolean {
    return this.#pairs >= maxAllPairs;
  }

  /** Whether `outer` matches whatever `inner` matches. */
  includes(outer: string, inner: string, universe: Universe): boolean {
    return this.#isNever("in", outer, inner, universe, (one, other) => !one && other);
  }

  /** Whether no text matches both. */
  excludes(one: string, other: string, universe: Universe): boolean {
    return this.#isNever("and", one, other, universe, (left, right) => left && right);
  }

  /** False also where it is not known. */
  #isNever(
    question: "in" | "and",
    one: string,
    other: string,
    universe: Universe,
    isAskedFor: (one: boolean, other: boolean) => boolean,
  ): boolean {
    const [left, right] = [this.#programOf(one), this.#programOf(other)];
    if (!left || !right) return false;
    const key = `${left.number} ${question} ${right.number} ${universe}`;
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    if (this.isExhausted) return false;
    const answer = this.#finds(left.program, right.program, universe, isAskedFor) === false;
    this.#answers.set(key, answer);
    return answer;
  }

  /** Whether some text leads to a pair of states whose verdicts are those asked for; `undefined`: it is not known. */
  #finds(
    left: Program,
    right: Program,
    universe: Universe,
    isAskedFor: (one: boolean, other: boolean) => boolean,
  ): boolean | undefined {
    const alphabet = alphabetOf(left, right, universe);
    const first: Pair = { one: follow(left, [0], true), other: follow(right, [0], true), behind: "start" };
    const seen = new Set<string>([keyOf(first)]);
    const queue = [first];
    for (let pair = queue.pop(); pair; pair = queue.pop()) {
      this.#pairs += 1;
      const isText = universe === "texts" || pair.behind !== "start";
      if (isText && isAskedFor(pair.one.accepts, pair.other.accepts)) return true;
      for (const codePoint of nextCharacters(alphabet, universe, pair)) {
        const next: Pair = {
          one: step(left, pair.one, codePoint),
          other: step(right, pair.other, codePoint),
          behind: codePoint === slash ? "slash" : "character",
        };
        const key = keyOf(next);
        if (seen.has(key)) continue;
        if (seen.size === maxPairs || this.isExhausted) return undefined;
        seen.add(key);
        queue.push(next);
      }
    }
    return false;
  }

  /** `undefined`: it looks at words, or is no expression, which another check says. */
  #programOf(source: string): Numbered | undefined {
    if (!this.#programs.has(source)) {
      const program = programOf(source);
      this.#programs.set(source, program && { number: this.#programs.size, program });
    }
    return this.#programs.get(source);
  }
}

interface Numbered {
  readonly number: number;
  readonly program: Program;
}

/** Instructions that wait for a character, and whether the text may end here. */
interface State {
  readonly waiting: readonly number[];
  readonly accepts: boolean;
}

interface Pair {
  readonly one: State;
  readonly other: State;
  readonly behind: "start" | "slash" | "character";
}

const slash = "/".charCodeAt(0);

/** A path begins with a slash, and has no two in a row. */
function nextCharacters(
  alphabet: readonly number[],
  universe: Universe,
  { behind }: Pair,
): readonly number[] {
  if (universe === "texts" || behind === "character") return alphabet;
  return behind === "start" ? [slash] : alphabet.filter((codePoint) => codePoint !== slash);
}

/** One character of each kind that the two tell apart. */
function alphabetOf(left: Program, right: Program, universe: Universe): number[] {
  const candidates =
    universe === "texts"
      ? [...left.classStarts, ...right.classStarts]
      : pathCharacters.map((character) => character.charCodeAt(0));
  const kinds = new Map(
    candidates.map((codePoint) => [`${left.classOf(codePoint)} ${right.classOf(codePoint)}`, codePoint]),
  );
  return universe === "paths" ? [slash, ...kinds.values()] : [...kinds.values()];
}

function keyOf({ one, other, behind }: Pair): string {
  return [one, other].map(({ waiting, accepts }) => `${accepts} ${waiting.join()}`).join(" ") + behind;
}

function programOf(source: string): Program | undefined {
  try {
    const program = compileProgram(parsePattern(source));
    return program.hasWordBoundary ? undefined : program;
  } catch {
    return undefined;
  }
}

function step(program: Program, { waiting }: State, codePoint: number): State {
  const kind = program.classOf(codePoint);
  const targets = waiting.flatMap((pc) => {
    const instruction = program.instructions[pc]!;
    return instruction.op === "character" && instruction.classes[kind] === 1 ? [pc + 1] : [];
  });
  return follow(program, targets, false);
}

/** Follows everything that takes no character. */
function follow(program: Program, targets: readonly number[], isStart: boolean): State {
  const { waiting } = reach(program, targets, (assertion) => assertion === "start" && isStart);
  const { accepts } = reach(program, targets, (assertion) => assertion === "end" || isStart);
  return { waiting, accepts };
}

function reach(
  { instructions }: Program,
  targets: readonly number[],
  holds: (assertion: string) => boolean,
): State {
  const seen = new Set(targets);
  const waiting: number[] = [];
  let accepts = false;
  // Grows while it is gone through.
  for (const pc of seen) {
    const instruction = instructions[pc]!;
    if (instruction.op === "character") waiting.push(pc);
    else if (instruction.op === "accept") accepts = true;
    else if (instruction.op === "jump") seen.add(instruction.to);
    else if (instruction.op === "split") seen.add(instruction.first).add(instruction.second);
    else if (instruction.op === "save" || holds(instruction.assertion)) seen.add(pc + 1);
  }
  return { waiting: waiting.sort((a, b) => a - b), accepts };
}
