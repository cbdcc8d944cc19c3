// `monitor-uri` and `monitor fail`: what those are told who ask whether the proxy is well.
import { standardAnswer } from "../action/answer.ts";
import { and, testsOf, type Condition } from "../condition/condition.ts";
import { conditionStart, parseCondition } from "../condition/parse-condition.ts";
import { settingOf, statementsOf } from "../proxy.ts";
import { attempt, invalid } from "../statement-problem.ts";
import { wordAt } from "../statement.ts";
import type { Step } from "./program.ts";
import type { Reading } from "./read-program.ts";

/** `monitor-uri`: the gateway says that it is there; `monitor fail`, that it had better not be used. */
export function monitorSteps(reading: Reading): Step[] {
  const { proxy } = reading;
  const statement = proxy.kind === "backend" ? undefined : settingOf(proxy, "monitor-uri");
  if (!statement) return [];
  const values = [wordAt(statement, 1)];
  const condition: Condition = {
    kind: "test",
    test: { subject: { type: "path" }, operator: "exact", values, ignoreCase: false },
  };
  const failures = failureSteps(reading).map((step) => ({
    ...step,
    condition: and([condition, step.condition]),
  }));
  return [...failures, { statement, condition, effect: { kind: "answer", filters: standardAnswer(200) } }];
}

/** In any order, for their answer is one; a look at servers stands next to the answer when all is well. */
function failureSteps({ proxy, scope, notes }: Reading): Step[] {
  const known: Step[] = [];
  const byServers: Step[] = [];
  for (const statement of statementsOf(proxy, "monitor")) {
    const read = (): void => {
      const start = conditionStart(statement.words, 1);
      if (wordAt(statement, 1) !== "fail" || start !== 2) invalid("expected `monitor fail if <condition>`");
      const condition = parseCondition(statement.words, start, scope);
      if (!condition) return;
      const step: Step = { statement, condition, effect: { kind: "answer", filters: standardAnswer(503) } };
      (testsOf(condition).some(({ subject }) => subject.type === "servers") ? byServers : known).push(step);
    };
    // Nobody's requests go elsewhere.
    attempt(statement, notes, read, { harmless: true });
  }
  return [...known, ...byServers];
}
