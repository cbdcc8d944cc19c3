// Rules that refuse requests because of who asks, how often, or with how long a body: not conditions of a match, but policies of the rules that
// follow.
import { and, not, testsOf, type Condition, type Test } from "../condition/condition.ts";
import { disjunctiveForm, type Conjunction, type Literal } from "../condition/normal-form.ts";
import { unsupported } from "../statement-problem.ts";

/** One way in which a condition holds: tests of the request, and at most one of who asks or how often. */
export interface AdmissionCase {
  readonly condition: Condition;
  readonly admission?: Literal;
}

/** Whether a condition looks at more than the request. */
export function isAdmission(condition: Condition): boolean {
  return testsOf(condition).some((test) => isAdmissionTest(test));
}

/** The cases of a condition under which requests are refused. Throws `StatementProblem`. */
export function admissionCases(condition: Condition): AdmissionCase[] {
  const form = disjunctiveForm(condition);
  if (!form) return unsupported("the condition has too many alternatives", "Split the rule.");
  return form.map((conjunction) => {
    const [admission, second] = conjunction.filter(isAdmissionLiteral);
    const rest = toCondition(conjunction.filter((literal) => !isAdmissionLiteral(literal)));
    if (!admission) return { condition: rest };
    if (second || admission.holds === (admission.test.subject.type === "credentials")) {
      return unsupported(
        "requests can be refused above a rate or a size, or without a password, but not the other way round or several at once",
        "Write one rule for each.",
      );
    }
    return { condition: rest, admission };
  });
}

function isAdmissionLiteral({ test }: Literal): boolean {
  return isAdmissionTest(test);
}

function isAdmissionTest({ subject }: Test): boolean {
  return subject.type === "rate" || subject.type === "body-size" || subject.type === "credentials";
}

function toCondition(conjunction: Conjunction): Condition {
  return and(
    conjunction.map(({ test, holds }) => (holds ? { kind: "test", test } : not({ kind: "test", test }))),
  );
}
