// Conditions that are about nothing but the client's address.
import type { Condition } from "./condition.ts";

/** The networks of `src`, or of those that it is not in. `undefined`: it is about something else, too. */
export function networksOf(condition: Condition): readonly string[] | undefined {
  const inner = condition.kind === "not" ? condition.operand : condition;
  return inner.kind === "test" && inner.test.subject.type === "client" ? inner.test.values : undefined;
}
