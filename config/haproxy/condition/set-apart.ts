// Tests that do not become part of a match, set apart from what else a condition asks.
import { unsupported } from "../statement-problem.ts";
import { and, not, type Condition, type Test } from "./condition.ts";
import { disjunctiveForm, type Conjunction } from "./normal-form.ts";

/** One way in which a condition holds. */
export interface Case {
  readonly apart: Conjunction;
  readonly rest: Condition;
}

/** Throws `StatementProblem`. */
export function setApart(condition: Condition, isApart: (test: Test) => boolean): Case[] {
  const form = disjunctiveForm(condition);
  if (!form) return unsupported("the condition has too many alternatives", "Split the rule.");
  return form.map((conjunction) => ({
    apart: conjunction.filter(({ test }) => isApart(test)),
    rest: conditionOf(conjunction.filter(({ test }) => !isApart(test))),
  }));
}

function conditionOf(conjunction: Conjunction): Condition {
  return and(
    conjunction.map(({ test, holds }) => (holds ? { kind: "test", test } : not({ kind: "test", test }))),
  );
}
