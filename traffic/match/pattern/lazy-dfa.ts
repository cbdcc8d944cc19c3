// Whole-string matching with a deterministic automaton whose states are made when an input first reaches them.
// Each character costs one table look-up. Memory is bounded by dropping all states when there are too many, time by
// going on without making states when one input asks for too many (as RE2 does).
import type { Program } from "#contract/pattern/compile-program.ts";

/** Look-up cells (states × classes) kept per pattern; 4 bytes each. */
const maxCells = 16_384;
/** Instruction references kept per pattern, over all states. */
const maxReferences = 16_384;
/** States that one input may add. Making one costs some 30 steps without. */
const maxStatesPerInput = 256;

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
  /** Generation in which each instruction was last visited: a set that is emptied by counting up, never around. */
  readonly #visited: Float64Array;
  readonly #stack: number[] = [];
  #generation = 0;
  #states = new Map<string, State>();
  #start: State | undefined;
  #references = 0;

  constructor(program: Program) {
    this.#program = program;
    this.#visited = new Float64Array(program.instructions.length);
  }

  /** True when the pattern matches all of the input. Time: linear in the input, whatever the pattern. */
  test(input: string): boolean {
    const { classOf } = this.#program;
    let state = (this.#start ??= this.#makeState([0], true));
    let made = 0;
    for (let index = 0; index < input.length; index += 1) {
      const codePoint = codePointAt(input, index);
      const characterClass = classOf(codePoint);
      let next = state.next[characterClass];
      if (!next) {
        made += 1;
        if (made > maxStatesPerInput) return this.#simulate(state.waiting, input, index);
        next = this.#makeState(this.#step(state.waiting, characterClass), false);
        state.next[characterClass] = next;
      }
      if (next.waiting.length === 0 && !next.accepts) return false;
      state = next;
      if (codePoint > 0xffff) index += 1;
    }
    return state.accepts;
  }

  /** The rest of an input, from the instructions it waits at, without making states. */
  #simulate(start: readonly number[], input: string, from: number): boolean {
    let waiting = start;
    let targets: number[] = [];
    for (let index = from; index < input.length; index += 1) {
      const codePoint = codePointAt(input, index);
      targets = this.#step(waiting, this.#program.classOf(codePoint));
      const next: number[] = [];
      this.#follow(targets, false, false, next);
      if (targets.length === 0) return false;
      waiting = next;
      if (codePoint > 0xffff) index += 1;
    }
    return this.#follow(targets, false, true, []);
  }

  /** Instructions behind those that take a character of this class. */
  #step(waiting: readonly number[], characterClass: number): number[] {
    const { instructions } = this.#program;
    const targets: number[] = [];
    for (const pc of waiting) {
      const instruction = instructions[pc]!;
      if (instruction.op === "character" && instruction.classes[characterClass] === 1) targets.push(pc + 1);
    }
    return targets;
  }

  #makeState(targets: readonly number[], atStart: boolean): State {
    const waiting: number[] = [];
    this.#follow(targets, atStart, false, waiting);
    const accepts = this.#follow(targets, atStart, true, []);
    waiting.sort((a, b) => a - b);
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

  /** Follows everything that takes no character, adds what waits for one; true when the input may end. */
  #follow(targets: readonly number[], atStart: boolean, atEnd: boolean, waiting: number[]): boolean {
    const { instructions } = this.#program;
    const visited = this.#visited;
    const stack = this.#stack;
    const generation = (this.#generation += 1);
    let accepts = false;
    stack.push(...targets);
    for (let pc = stack.pop(); pc !== undefined; pc = stack.pop()) {
      if (visited[pc] === generation) continue;
      visited[pc] = generation;
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
    return accepts;
  }
}

function codePointAt(input: string, index: number): number {
  const unit = input.charCodeAt(index);
  return unit >= 0xd800 && unit <= 0xdbff ? input.codePointAt(index)! : unit;
}
