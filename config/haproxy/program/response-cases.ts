// Conditions of `http-response` rules: what they ask of the request decides which rule a request comes to, what they ask of
// the response becomes a part of that rule.
import type { ResponseMatch } from "#contract/response-match.ts";
import type { StatusMatch } from "#contract/status-match.ts";
import { testsOf, type Condition, type Test } from "../condition/condition.ts";
import type { Literal } from "../condition/normal-form.ts";
import { setApart } from "../condition/set-apart.ts";
import { valueMatches } from "../condition/to-match.ts";
import { unsupported } from "../statement-problem.ts";

export interface ResponseCase {
  /** What is asked of the request. */
  readonly condition: Condition;
  /** Absent: every response. */
  readonly match?: ResponseMatch;
}

export function asksForResponse(condition: Condition): boolean {
  return testsOf(condition).some(isOfResponse);
}

/** Throws `StatementProblem`. */
export function responseCases(condition: Condition): ResponseCase[] {
  return setApart(condition, isOfResponse).flatMap(({ apart, rest }): ResponseCase[] =>
    apart.length === 0
      ? [{ condition: rest }]
      : matchesOf(apart).map((match) => ({ condition: rest, match })),
  );
}

/** The same cases, of which at most one holds for a response. Throws `StatementProblem`. */
export function apartFromEachOther(cases: readonly ResponseCase[]): ResponseCase[] {
  return cases.map((one, index) => {
    const not = cases.slice(0, index).map(({ condition, match = {} }) => {
      const { not: exclusions, statusCodes, responseHeaders } = match;
      const isSimple = exclusions === undefined && (statusCodes ?? responseHeaders) !== undefined;
      if (isSimple && JSON.stringify(condition) === JSON.stringify(one.condition)) {
        return { ...(statusCodes && { statusCodes }), ...(responseHeaders && { responseHeaders }) };
      }
      return unsupported("the rule's alternatives may hold together", "Write one rule for each.");
    });
    if (not.length === 0) return one;
    return { ...one, match: { ...one.match, not: [...(one.match?.not ?? []), ...not] } };
  });
}

/** Names of the headers that are looked at, in lower case. */
export function headersRead({ responseHeaders = [], not = [] }: ResponseMatch = {}): string[] {
  const all = [...responseHeaders, ...not.flatMap((exclusion) => exclusion.responseHeaders ?? [])];
  return all.map(({ name }) => name.toLowerCase());
}

/** Sets of statuses that a condition tells from all others. */
export function statusesRead(condition: Condition): Set<number>[] {
  return testsOf(condition).flatMap((test) =>
    test.subject.type === "status"
      ? [new Set(everyStatus.filter((status) => admits({ test, holds: true }, status)))]
      : [],
  );
}

/** Responses that a rule without a status is for. */
export const everyResponse: StatusMatch[] = [{ type: "Range", range: { start: 200, end: 599 } }];

/** Those of answers; informational ones pass rules by. */
const everyStatus = Array.from({ length: 400 }, (_, index) => 200 + index);

function isOfResponse({ subject }: Test): boolean {
  return subject.type === "status" || subject.type === "response-header";
}

type HeaderMatches = NonNullable<ResponseMatch["responseHeaders"]>;

/** Alternatives. */
function matchesOf(literals: readonly Literal[]): ResponseMatch[] {
  const ofStatus = literals.filter(({ test }) => test.subject.type === "status");
  const statusCodes =
    ofStatus.length > 0 &&
    rangesOf(everyStatus.filter((status) => ofStatus.every((literal) => admits(literal, status))));
  if (statusCodes && statusCodes.length === 0) return [];
  const not: NonNullable<ResponseMatch["not"]> = [];
  let alternatives: HeaderMatches[] = [[]];
  for (const { test, holds } of literals) {
    if (test.subject.type !== "response-header") continue;
    const { name } = test.subject;
    if (!holds && test.operator === "present") {
      alternatives = alternatives.map((headers) => [...headers, { type: "Absent", name, value: "" }]);
      continue;
    }
    const matches = headerMatches(test, name);
    if (holds) alternatives = alternatives.flatMap((headers) => matches.map((match) => [...headers, match]));
    else not.push(...matches.map((match) => ({ responseHeaders: [match] })));
    if (alternatives.length > maxParts || not.length > maxParts || alternatives[0]!.length > maxParts) {
      return unsupported("the condition has too many parts for one rule", "Split the rule.");
    }
  }
  return alternatives.map((responseHeaders) => ({
    ...(statusCodes && { statusCodes }),
    ...(responseHeaders.length > 0 && { responseHeaders }),
    ...(not.length > 0 && { not }),
  }));
}

const maxParts = 16;

function headerMatches(test: Test, name: string): HeaderMatches {
  return valueMatches(test, name).map(({ type = "Exact", value = "" }) => ({ type, name, value }));
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
