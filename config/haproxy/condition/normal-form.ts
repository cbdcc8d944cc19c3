// Conditions in disjunctive normal form: alternatives, each a list of tests that hold or do not hold together.
import type { Condition, Test } from "./condition.ts";

export interface Literal {
  readonly test: Test;
  readonly holds: boolean;
}

export type Conjunction = readonly Literal[];

/** Beyond this a condition is not one that a person wrote. */
const maxAlternatives = 256;

/** `[]`: never true; a list with an empty conjunction: always. `undefined`: too many alternatives. */
export function disjunctiveForm(condition: Condition): Conjunction[] | undefined {
  const alternatives = expand(condition, true);
  return alternatives && withoutSubsumed(alternatives);
}

function expand(condition: Condition, wanted: boolean): Conjunction[] | undefined {
  switch (condition.kind) {
    case "constant":
      return condition.value === wanted ? [[]] : [];
    case "test":
      return [[{ test: condition.test, holds: wanted }]];
    case "not":
      return expand(condition.operand, !wanted);
    case "and":
    case "or": {
      const isProduct = (condition.kind === "and") === wanted;
      let result: Conjunction[] | undefined = isProduct ? [[]] : [];
      for (const operand of condition.operands) {
        const next = expand(operand, wanted);
        if (!next) return undefined;
        result = isProduct ? product(result, next) : [...result, ...next];
        if (result && result.length > maxAlternatives) result = withinBound(withoutSubsumed(result));
        if (!result) return undefined;
      }
      return result;
    }
  }
}

function withinBound(alternatives: Conjunction[]): Conjunction[] | undefined {
  return alternatives.length > maxAlternatives ? undefined : alternatives;
}

/** `undefined`: too many, even before those that say nothing new are dropped. */
function product(left: readonly Conjunction[], right: readonly Conjunction[]): Conjunction[] | undefined {
  const result: Conjunction[] = [];
  for (const a of left) {
    for (const b of right) {
      const joined = conjoin(a, b);
      if (joined) result.push(joined);
      if (result.length > 8 * maxAlternatives) return undefined;
    }
  }
  return result;
}

/** `undefined`: they contradict each other. */
function conjoin(a: Conjunction, b: Conjunction): Conjunction | undefined {
  const result = [...a];
  for (const literal of b) {
    let isKnown = false;
    for (const other of result) {
      if (excludes(other, literal)) return undefined;
      if (isSame(other, literal)) isKnown = true;
    }
    if (!isKnown) result.push(literal);
  }
  return result;
}

/** Alternatives of two conditions together; `undefined`: too many. */
export function conjoinForms(
  a: readonly Conjunction[],
  b: readonly Conjunction[],
): readonly Conjunction[] | undefined {
  const joined = product(a, b);
  return joined && withinBound(withoutSubsumed(joined));
}

function isSame(a: Literal, b: Literal): boolean {
  return a.holds === b.holds && testKey(a.test) === testKey(b.test);
}

const keys = new WeakMap<Test, string>();

/** The same text for tests that say the same. */
export function testKey(test: Test): string {
  let key = keys.get(test);
  if (key === undefined) keys.set(test, (key = JSON.stringify(test)));
  return key;
}

/** Whether no request has both. Some contradictions stay unseen, which costs a rule that never matches. */
function excludes(a: Literal, b: Literal): boolean {
  if (a.holds !== b.holds) return testKey(a.test) === testKey(b.test);
  const [one, other] = [a.test, b.test];
  if (!a.holds || one.operator !== "exact" || other.operator !== "exact") return false;
  const isSingle = ["path", "method", "host"].includes(one.subject.type);
  if (!isSingle || one.subject.type !== other.subject.type) return false;
  const values = new Set(one.values.map((value) => value.toLowerCase()));
  return !other.values.some((value) => values.has(value.toLowerCase()));
}

/** Drops alternatives that ask for more than another one does. */
function withoutSubsumed(alternatives: readonly Conjunction[]): Conjunction[] {
  const kept: Conjunction[] = [];
  for (const candidate of [...alternatives].sort((a, b) => a.length - b.length)) {
    if (
      !kept.some((shorter) => shorter.every((literal) => candidate.some((other) => isSame(other, literal))))
    ) {
      kept.push(candidate);
    }
  }
  // The order in which they were written.
  return alternatives.filter((alternative) => kept.includes(alternative));
}
