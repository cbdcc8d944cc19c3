// `.if`, `.elif`, `.else`, `.endif` (§2.4): which lines of a haproxy.cfg count. Each branch that does not is skipped whole.
import { blockCondition } from "./block-condition.ts";
import { invalid } from "./statement-problem.ts";

const directives = [".if", ".elif", ".else", ".endif"] as const;
type Directive = (typeof directives)[number];

/** HAProxy's own bound. */
const maxBlocks = 1_024;

interface Block {
  /** Whether the lines around the whole block count. */
  readonly outer: boolean;
  taken: boolean;
  active: boolean;
  hasElse: boolean;
  readonly line: number;
}

export class ConditionalBlocks {
  readonly #blocks: Block[] = [];

  /** Whether the lines that follow count. */
  get active(): boolean {
    return this.#blocks.at(-1)?.active ?? true;
  }

  /** The line of the innermost block that has no `.endif` yet. */
  get openSince(): number | undefined {
    return this.#blocks.at(-1)?.line;
  }

  isDirective(word: string): word is Directive {
    return directives.some((directive) => directive === word);
  }

  /** Throws `StatementProblem`; the block's lines then do not count. */
  read(
    directive: Directive,
    condition: string,
    environment: ReadonlyMap<string, string>,
    line: number,
  ): void {
    if (directive === ".if") return this.#open(condition, environment, line);
    const block = this.#blocks.at(-1);
    if (!block) return invalid(`there is no .if in front of this ${directive}`);
    if (directive === ".endif") {
      this.#blocks.pop();
      return;
    }
    if (block.hasElse) return invalid(`${directive} after .else`);
    if (directive === ".else") block.hasElse = true;
    block.active = false;
    if (!block.outer || block.taken) return;
    // An error must not let a later branch in.
    block.taken = true;
    block.active = block.taken = directive === ".else" || blockCondition(condition, environment);
  }

  #open(condition: string, environment: ReadonlyMap<string, string>, line: number): void {
    if (this.#blocks.length >= maxBlocks) return invalid(`more than ${maxBlocks} nested blocks`);
    const block: Block = { outer: this.active, taken: true, active: false, hasElse: false, line };
    this.#blocks.push(block);
    if (block.outer) block.active = block.taken = blockCondition(condition, environment);
  }
}
