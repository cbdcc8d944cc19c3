// Conditions of `http-response` rules: what they ask of the request decides which rule a request comes to, what they ask of
// the response's status becomes a part of that rule.
import type { StatusMatch } from "#contract/status-match.ts";
import { testsOf, type Condition, type Test } from "../condition/condition.ts";
import type { Literal } from "../condition/normal-form.ts";
import { setApart } from "../condition/set-apart.ts";

interface StatusCase {
  /** What is asked of the request. */
  readonly condition: Condition;
  /** Absent: every status. */
  readonly statuses?: readonly StatusMatch[];
}

export function asksForStatus(condition: Condition): boolean {
  return testsOf(condition).some(isStatus);
}

/** Throws `StatementProblem`. */
export function statusCases(condition: Condition): StatusCase[] {
  return setApart(condition, isStatus).flatMap(({ apart, rest }) => {
    if (apart.length === 0) return [{ condition: rest }];
    const statuses = rangesOf(
      everyStatus.filter((status) => apart.every((literal) => admits(literal, status))),
    );
    return statuses.length === 0 ? [] : [{ condition: rest, statuses }];
  });
}

/** Responses that a rule without a status is for. */
export const everyResponse: StatusMatch[] = [{ type: "Range", range: { start: 200, end: 599 } }];

/** Those of answers; informational ones pass rules by. */
const everyStatus = Array.from({ length: 400 }, (_, index) => 200 + index);

function isStatus({ subject }: Test): boolean {
  return subject.type === "status";
}

function admits({ test, holds }: Literal, status: number): boolean {
  const isIn = test.values.some((value) => {
    const [low = "", high = ""] = value.split(":");
    return status >= Number(low) && (high === "" || status <= Number(high));
  });
  return isIn === holds;
}

function rangesOf(statuses: readonly number[]): StatusMatch[] {
  const ranges: { start: number; end: number }[] = [];
  for (const status of statuses) {
    const last = ranges.at(-1);
    if (last?.end === status - 1) last.end = status;
    else ranges.push({ start: status, end: status });
  }
  return ranges.map((range) =>
    range.start === range.end ? { type: "Value", value: range.start } : { type: "Range", range },
  );
}
