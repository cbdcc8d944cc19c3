// Which statements that end requests get any: HAProxy takes what stands behind an unconditional `use_backend`, or has
// conditions that exclude each other, without a word.
import type { Notes } from "../notes.ts";
import { statementText, type Statement } from "../statement.ts";
import type { Program, Step } from "./program.ts";

/** What the runs of all frontends, hosts and listeners have found; a line with a map in it stands for several statements. */
export class Reach {
  readonly #taken = new Set<number>();
  /** By line: the lines that left it nothing, of one kind of hosts or listeners each. */
  readonly #cutOff = new Map<number, Map<number, Statement>>();
  readonly #excluded = new Set<number>();

  /** Some requests end here. */
  take(step: Step): void {
    this.#taken.add(step.statement.line);
  }

  /** No request that the step is for gets there any more. */
  cutOff({ statement: { line } }: Step, by: Statement): void {
    const known = this.#cutOff.get(line);
    if (known) known.set(by.line, by);
    else this.#cutOff.set(line, new Map([[by.line, by]]));
  }

  /** The condition holds for no request that gets here. */
  exclude(step: Step): void {
    this.#excluded.add(step.statement.line);
  }

  note(programs: Iterable<Program>, notes: Notes): void {
    for (const program of programs) {
      for (const { statement, condition, effect } of [...program.request.flat(), ...program.switching]) {
        const ends = effect.kind === "answer" || effect.kind === "use";
        // What is constantly false is meant to be; what a section does by itself has no statement of its own.
        if (!ends || this.#taken.has(statement.line) || statement === program.heading) continue;
        if (condition.kind === "constant" && !condition.value) continue;
        const by = this.#cutOff.get(statement.line);
        if (!by && !this.#excluded.has(statement.line)) continue;
        const message = by
          ? `no request gets here; before it comes ${namesOf(by.values())}`
          : "no request gets here: its conditions exclude each other, or those of statements before it";
        notes.add(statement, {
          code: "rule-unreachable",
          message,
          remedy: "Remove it, or change its condition.",
        });
      }
    }
  }
}

function namesOf(statements: Iterable<Statement>): string {
  const names = [...statements].map(
    (statement) => `\`${statementText(statement)}\` (line ${statement.line})`,
  );
  const more = names.length > maxNames ? ` and ${names.length - maxNames} more` : "";
  return `${names.slice(0, maxNames).join(", ")}${more}`;
}

const maxNames = 3;
