// `global` variables (`set-var proc.color str(blue)`): every proxy begins with them.
import { always } from "../condition/condition.ts";
import type { Notes } from "../notes.ts";
import { attempt, invalid } from "../statement-problem.ts";
import { wordAt, type Section, type Statement } from "../statement.ts";
import type { Step } from "./program.ts";
import { variableChange } from "./variable.ts";

/** What the variables of the process are when a request comes in. */
export function readProcessVariables(sections: readonly Section[], notes: Notes): Step[] {
  return sections
    .filter(({ kind }) => kind === "global")
    .flatMap(({ statements }) => statements)
    .filter((statement) => /^set-var(?:-fmt)?$/.test(wordAt(statement, 0)))
    .flatMap((statement) => attempt(statement, notes, () => [variableStep(statement)]) ?? []);
}

function variableStep(statement: Statement): Step {
  const [keyword, name] = [wordAt(statement, 0), wordAt(statement, 1)];
  if (!name.startsWith("proc.") || statement.words.length < 3) {
    invalid(`expected \`${keyword} proc.<name> <expression>\``);
  }
  // In rules the name stands in parentheses.
  const action = { ...statement.words[0]!, text: `${keyword}(${name})` };
  const change = variableChange({ ...statement, words: [action, ...statement.words.slice(2)] }, 0);
  return { statement, condition: always, effect: { kind: "change", change } };
}
