// Tests of counters. What the request's own way has counted is not in the table yet: the run of a program knows it
// (`CounterTexts`).
import type { CounterType } from "#contract/counter.ts";
import { readRanges } from "./comparison.ts";
import {
  always,
  and,
  mapTests,
  not,
  or,
  testsOf,
  type Condition,
  type Subject,
  type Test,
} from "./condition.ts";
import type { CounterRead } from "./counter-read.ts";
import { unsupported } from "../statement-problem.ts";

interface MatchFlags {
  readonly method: string | undefined;
  readonly patterns: readonly string[];
}

/** Throws `StatementProblem`. */
export function counterCondition(read: CounterRead, { method, patterns }: MatchFlags): Condition {
  const subject: Subject = { type: "counter", ...read };
  const test = (operator: Test["operator"], values: readonly string[]): Condition => ({
    kind: "test",
    test: { subject, operator, values, ignoreCase: false },
  });
  if (method === "found") return test("present", []);
  if (method !== undefined && method !== "int" && method !== "bool") {
    return unsupported("counters are numbers", "Compare with -m int.");
  }
  // By itself a number holds that is not zero.
  return patterns.length === 0 ? test("range", [":-1", "1:"]) : test("range", readRanges(patterns));
}

type RateSubject = Extract<Subject, { type: "rate" }>;

/** A rate that is no limit: compared with as any counter. */
export function rateAsCounter({ counts, counter, table }: RateSubject): CounterRead {
  const type: CounterType = counts === "http_req_rate" ? "RequestRate" : "ErrorRate";
  return { source: counter, ...(table !== undefined && { table }), counter: { type } };
}

/** Tests of a section's own table, told which section that is. */
export function inSection(condition: Condition, section: string | undefined): Condition {
  const isOwn = ({ subject }: Test): boolean =>
    subject.type === "counter" && subject.table === undefined && !subject.source.startsWith("sc");
  if (section === undefined || !testsOf(condition).some(isOwn)) return condition;
  return mapTests(condition, (test) => ({
    kind: "test",
    test: isOwn(test) ? { ...test, subject: { ...test.subject, table: section } as Subject } : test,
  }));
}

/** The test as one of any counter; `undefined`: it is none. */
export function counterTest(test: Test): { readonly read: CounterRead; readonly test: Test } | undefined {
  const { subject } = test;
  if (subject.type === "counter") return { read: subject, test };
  if (subject.type !== "rate") return undefined;
  const values = test.values.map((max) => `${Number(max) + 1}:`);
  return { read: rateAsCounter(subject), test: { ...test, operator: "range", values } };
}

/** A fetch that does something, in front of the conditions under which HAProxy gets to it. */
export interface Happening {
  readonly read: CounterRead;
  readonly condition: Condition;
}

/**
 * The condition as one that only reads, and what happens before: HAProxy takes a condition's terms one after the other, as
 * far as it must. Throws `StatementProblem`.
 */
export function apartFromEffects(condition: Condition): { happens: Happening[]; reads: Condition } {
  const happens: Happening[] = [];
  const visit = (part: Condition, before: readonly Condition[]): Condition => {
    if (part.kind === "not") return not(visit(part.operand, before));
    if (part.kind === "and" || part.kind === "or") {
      const seen: Condition[] = [];
      const passed = part.kind === "and" ? (one: Condition) => one : not;
      for (const operand of part.operands) seen.push(visit(operand, [...before, ...seen.map(passed)]));
      return part.kind === "and" ? and(seen) : or(seen);
    }
    if (part.kind !== "test" || part.test.subject.type !== "counter" || !part.test.subject.effect)
      return part;
    const { effect, ...subject } = part.test.subject;
    happens.push({ read: part.test.subject, condition: and(before) });
    if (effect === "clear") return clearedOutcome(part.test);
    return { kind: "test", test: { ...part.test, subject } };
  };
  const reads = visit(condition, []);
  return { happens, reads };
}

/** What it was before. */
function clearedOutcome({ operator, values }: Test): Condition {
  if (operator === "present" || values.some((value) => value === "0:" || value === ":")) return always;
  return unsupported(
    "what a counter was before it is cleared is not compared with",
    "Test it with sc_get_gpc0 first, and clear it with `ge 0`.",
  );
}
