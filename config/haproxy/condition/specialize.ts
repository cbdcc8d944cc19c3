// A condition for the requests of one listener and one class of hosts, after what earlier rules have changed.
import type { RequestText, TextPart } from "#contract/request-text.ts";
import { encodePath } from "../../pattern-text.ts";
import { subjectKey, type Change, type Changes, type Standpoint, type Surroundings } from "./changes.ts";
import {
  always,
  mapTests,
  never,
  type Condition,
  type Subject,
  type Test,
  type TextSubject,
} from "./condition.ts";
import { counterTest } from "./counter-condition.ts";
import { testOfSource } from "./criterion.ts";
import { decide } from "./decide.ts";
import { expressionCondition } from "./expression.ts";
import { decideHost } from "./host-class.ts";
import { testKey } from "./normal-form.ts";
import { announcedSize, changesOf } from "./request-parts.ts";
import { partsOfChange, partsOfVariable } from "./resolve-sample.ts";
import { emptyIfMissing, transformed } from "./text-parts.ts";
import { isDivided, wholePattern } from "./text-pattern.ts";
import { isOfResponse } from "./response-parts.ts";
import { unsupported } from "../statement-problem.ts";

/** Outcomes of tests that the requests in question have in common, by `testKey`. */
export type Facts = ReadonlyMap<string, boolean>;

/** Facts only spare branches that no request takes; more than this many cost more than they spare. */
const maxFacts = 64;

/** What a condition tells of its tests when its outcome is known. */
export function learn(facts: Map<string, boolean>, condition: Condition, holds: boolean): void {
  if (facts.size >= maxFacts) return;
  if (condition.kind === "test") facts.set(testKey(condition.test), holds);
  else if (condition.kind === "not") learn(facts, condition.operand, !holds);
  else if ((condition.kind === "and" && holds) || (condition.kind === "or" && !holds)) {
    for (const operand of condition.operands) learn(facts, operand, holds);
  }
}

/** Throws `StatementProblem` for a test of what an earlier rule changes to something unknown. */
export function specialize(
  condition: Condition,
  surroundings: Surroundings,
  draft: Standpoint["draft"],
  facts: Facts,
): Condition {
  const { changes, sources } = draft;
  return mapTests(condition, (test) => {
    const { subject } = test;
    const counter = draft.counted && counterTest(test);
    if (counter) {
      const condition = draft.counted.conditionOf(counter.read, counter.test, { surroundings, draft });
      return specialize(condition, surroundings, unchanged, facts);
    }
    // What it resolves to is made of the request as it came in, which is what conditions are evaluated on anyway.
    if (subject.type === "expression") {
      const resolved = expressionCondition(subject, test, { surroundings, draft });
      return specialize(resolved, surroundings, unchanged, facts);
    }
    const source = subject.type === "variable" ? sources.get(subject.name) : undefined;
    const resolved = source === undefined ? undefined : testOfSource(source, test);
    if (resolved) return specialize(resolved, surroundings, unchanged, facts);
    const parts =
      source === undefined || subject.type !== "variable"
        ? undefined
        : partsOfVariable(subject.name, { surroundings, draft });
    if (parts) return { kind: "test", test: testOfText(test, { type: "text", parts }) };
    const known = knownOutcome(test, surroundings, changes);
    if (known !== undefined) return known;
    const fact = facts.get(testKey(test));
    return fact === undefined ? { kind: "test", test } : fact ? always : never;
  });
}

const unchanged = { changes: new Map(), sources: new Map() };

function knownOutcome(test: Test, { listener, host }: Surroundings, changes: Changes): Condition | undefined {
  const { subject, operator, values } = test;
  const key = subjectKey(subject);
  if (changes.has(key)) return changedOutcome(test, changes.get(key));
  if (changesWithin(subject).some((part) => changes.has(part))) {
    return changedOutcome(test, subject.type === "text" ? changedText(subject, changes) : undefined);
  }
  switch (subject.type) {
    case "text":
      return !listener.tls && !subject.missingIsEmpty && needsTls(subject.parts) ? never : undefined;
    case "body-size": {
      const above = { subject: { type: "text", parts: announcedSize }, operator: "range" } as const;
      return {
        kind: "test",
        test: { ...test, ...above, values: values.map((max) => `${Number(max) + 1}:`) },
      };
    }
    case "tls":
      return listener.tls ? always : never;
    case "port":
      if (listener.port === undefined)
        return unsupported(
          "the port that clients connect to is told by the proxy in front, and not known here",
          "Give each port of the proxy a bind of its own.",
        );
      return values.includes(String(listener.port)) ? always : never;
    case "host":
      return decideHost(test, host);
    case "variable":
      return never;
    case "rate":
    case "counter":
    case "connections":
    case "credentials":
      return unsupported(
        "who asks, and how often, can only decide whether a request is refused",
        "Refuse with `http-request deny` or `http-request auth`.",
      );
    case "path":
      if (operator === "present") return always;
      return operator === "prefix" && values.some((value) => "/".startsWith(value)) ? always : undefined;
    default:
      return undefined;
  }
}

/** Whether the text is missing where a client speaks no TLS. */
function needsTls(text: RequestText): boolean {
  return text.some(
    ({ from, parts, missingIsEmpty }) =>
      !missingIsEmpty &&
      (from === "TLSVersion" || from === "TLSCipher" || from === "ServerName" || (parts && needsTls(parts))),
  );
}

/** What a subject is a part of, or made of. */
function changesWithin(subject: Subject): readonly string[] {
  const { type } = subject;
  if (type === "text") return changesOf([...subject.parts, ...(subject.valueFrom ?? [])]);
  if (type === "query-param") return ["query"];
  return type === "base" ? ["host", "path"] : [];
}

function changedOutcome(test: Test, change: Change): Condition {
  if (change === null) return never;
  if (typeof change === "object") return { kind: "test", test: testOfText(test, change) };
  if (change !== undefined) {
    const known = decide(test, change);
    if (known !== undefined) return known ? always : never;
    return { kind: "test", test: testOfText(test, { type: "text", parts: [{ text: change }] }) };
  }
  return unsupported(
    "the condition looks at what an earlier rule changes to something that is not known here",
    "Move the rule with the condition in front of the one that makes the change.",
  );
}

/** The test of a part of the request, as one of what that part has become. */
function testOfText(test: Test, text: TextSubject): Test {
  const { subject, operator, values } = test;
  if (isOfResponse(text.parts)) {
    return unsupported(
      "the condition looks at a variable that is made of the response",
      "Test the response itself, with res.hdr or status.",
    );
  }
  if (subject.type === "path" && operator !== "regex") {
    return { ...test, subject: text, values: values.map(encodePath) };
  }
  if (!isDivided(subject) || operator === "present") return { ...test, subject: text };
  const patterns = values.map((value) => `^${wholePattern(operator, value, "elements")}$`);
  return { ...test, subject: text, operator: "regex", values: patterns };
}

/** A text with what its parts have become; `undefined`: that is not known. */
function changedText(
  { type, parts, valueFrom, ...rest }: TextSubject,
  changes: Changes,
): TextSubject | undefined {
  const made = changedParts(parts, changes);
  const other = valueFrom && changedParts(valueFrom, changes);
  if (!made || (valueFrom && !other)) return undefined;
  return { type, parts: made, ...rest, ...(other && { valueFrom: other }) };
}

function changedParts(parts: RequestText, changes: Changes): RequestText | undefined {
  const made: RequestText = [];
  for (const part of parts) {
    const isChanged = changesOf([part]).some((key) => changes.has(key));
    const now = isChanged ? changedPart(part, changes) : [part];
    if (!now) return undefined;
    made.push(...now);
  }
  return made;
}

/** Of parts of a query, and of cookies, it is not known. */
function changedPart(part: TextPart, changes: Changes): RequestText | undefined {
  const { from, transforms = [], parts, missingIsEmpty } = part;
  const key = from === "Target" ? "target" : changesOf([part])[0]!;
  const isWhole =
    from === "Path" || from === "Query" || from === "Target" || from === "Header" || from === "Host";
  const changed = parts
    ? changedParts(parts, changes)
    : isWhole
      ? partsOfChange(changes.get(key))
      : undefined;
  const made = changed && transformed(changed, transforms);
  return made && missingIsEmpty ? made.map(emptyIfMissing) : made;
}
