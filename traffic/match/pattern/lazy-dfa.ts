// Whole-string matching with a deterministic automaton whose states are made when an input first reaches them.
// Each character costs one table look-up; memory is bounded by dropping all states when there are too many (as RE2).
import type { Program } from "./program.ts";

/** Look-up cells (states × classes) kept per pattern; 4 bytes each. */
const maxCells = 16_384;
/** Instruction references kept per pattern, over all states. */
const maxReferences = 16_384;

interface State {
  /** State after a character of each class; absent until first needed. */
  readonly next: (State | undefined)[];
  /** `character` instructions that this state waits at. */
  readonly waiting: readonly number[];
  /** The input may end here. */
  readonly accepts: boolean;
}

/** For programs without word boundaries, whose assertions depend on the position only. */
export class LazyDfa {
  readonly #program: Program;
  #states = new Map<string, State>();
  #start: State | undefined;
  #references = 0;

  constructor(program: Program) {
    this.#program = program;
  }

  /** True when the pattern matches all of the input. Time: linear in the input, whatever the pattern. */
  test(input: string): boolean {
    const { classOf } = this.#program;
    let state = (this.#start ??= this.#state([0], true));
    for (let index = 0; index < input.length; index += 1) {
      let codePoint = input.charCodeAt(index);
      if (codePoint >= 0xd800 && codePoint <= 0xdbff) {
        codePoint = input.codePointAt(index)!;
        if (codePoint > 0xffff) index += 1;
      }
      const characterClass = classOf(codePoint);
      state = state.next[characterClass] ?? this.#step(state, characterClass);
      if (state.waiting.length === 0 && !state.accepts) return false;
    }
    return state.accepts;
  }

  #step(state: State, characterClass: number): State {
    const targets: number[] = [];
    for (const pc of state.waiting) {
      const instruction = this.#program.instructions[pc]!;
      if (instruction.op === "character" && instruction.classes[characterClass] === 1) targets.push(pc + 1);
    }
    const next = this.#state(targets, false);
    state.next[characterClass] = next;
    return next;
  }

  #state(targets: readonly number[], atStart: boolean): State {
    const { waiting } = this.#closure(targets, atStart, false);
    const { accepts } = this.#closure(targets, atStart, true);
    const key = `${accepts ? "+" : "-"}${waiting.join(",")}`;
    const known = this.#states.get(key);
    if (known) return known;
    if (
      (this.#states.size + 1) * this.#program.classCount > maxCells ||
      this.#references + waiting.length > maxReferences
    ) {
      this.#states = new Map();
      this.#start = undefined;
      this.#references = 0;
    }
    const state: State = { next: Array(this.#program.classCount).fill(undefined), waiting, accepts };
    this.#states.set(key, state);
    this.#references += waiting.length;
    return state;
  }

  /** Follows everything that consumes no character. */
  #closure(
    targets: readonly number[],
    atStart: boolean,
    atEnd: boolean,
  ): { waiting: number[]; accepts: boolean } {
    const { instructions } = this.#program;
    const seen = new Set<number>();
    const stack = [...targets];
    const waiting: number[] = [];
    let accepts = false;
    for (let pc = stack.pop(); pc !== undefined; pc = stack.pop()) {
      if (seen.has(pc)) continue;
      seen.add(pc);
      const instruction = instructions[pc]!;
      switch (instruction.op) {
        case "character":
          waiting.push(pc);
          break;
        case "accept":
          accepts = true;
          break;
        case "jump":
          stack.push(instruction.to);
          break;
        case "split":
          stack.push(instruction.first, instruction.second);
          break;
        case "save":
          stack.push(pc + 1);
          break;
        case "assert":
          if (instruction.assertion === "start" ? atStart : atEnd) stack.push(pc + 1);
          break;
      }
    }
    return { waiting: waiting.sort((a, b) => a - b), accepts };
  }
}
