// Rules that refuse requests because of who asks, how often, or with how long a body: not conditions of a match, but
// policies of the rules that follow.
import { testsOf, type Condition, type Test } from "../condition/condition.ts";
import type { Literal } from "../condition/normal-form.ts";
import { setApart } from "../condition/set-apart.ts";
import { unsupported } from "../statement-problem.ts";

/** One way in which a condition holds: tests of the request, and at most one of who asks or how often. */
interface AdmissionCase {
  readonly condition: Condition;
  readonly admission?: Literal;
}

/** Whether a condition looks at more than the request. */
export function isAdmission(condition: Condition): boolean {
  return testsOf(condition).some(isAdmissionTest);
}

/** Whether a condition with rates holds above one of them, and for what else the request is. */
export function isLimit(condition: Condition): boolean {
  return setApart(condition, isAdmissionTest).every(
    ({ apart: [admission, second] }) => !second && (!admission || admission.holds),
  );
}

/** The cases of a condition under which requests are refused. Throws `StatementProblem`. */
export function admissionCases(condition: Condition): AdmissionCase[] {
  return setApart(condition, isAdmissionTest).map(({ apart: [admission, second], rest }) => {
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

function isAdmissionTest({ subject }: Test): boolean {
  return subject.type === "rate" || subject.type === "body-size" || subject.type === "credentials";
}
