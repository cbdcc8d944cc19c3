// A condition for the requests of one listener and one class of hosts, after what earlier rules have changed.
import type { RequestText } from "#contract/request-text.ts";
import { encodePath } from "../../pattern-text.ts";
import {
  always,
  mapTests,
  never,
  type Condition,
  type Subject,
  type Test,
  type TextSubject,
} from "./condition.ts";
import { testOfSource } from "./criterion.ts";
import { decide } from "./decide.ts";
import { decideHost, type HostClass } from "./host-class.ts";
import { testKey } from "./normal-form.ts";
import { changesOf, transformed } from "./request-parts.ts";
import { isDivided, wholePattern } from "./text-pattern.ts";
import { unsupported } from "../statement-problem.ts";

/** What is known of the requests before any arrives. */
export interface Surroundings {
  /** `port` absent: each connection says by the PROXY protocol what it is for. */
  readonly listener: { readonly tls: boolean; readonly port: number | undefined };
  readonly host: HostClass;
  /** Name of the section that requests come in by. Absent: of any. */
  readonly frontend?: string;
}

/** The new text of a part of the request, or what it is put together from; `null`: taken away; `undefined`: not known here. */
export type Change = string | TextSubject | null | undefined;
export type Changes = ReadonlyMap<string, Change>;

/** What variables were made of that are no known texts: sample expressions of the request as it came in. */
export type Sources = ReadonlyMap<string, string>;

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

/** Key of a subject in {@link Changes}. */
export function subjectKey(subject: Subject): string {
  if (subject.type === "credentials")
    return [subject.type, subject.list, ...(subject.groups ?? [])].join(":");
  if ("name" in subject) return `${subject.type}:${subject.name}`;
  return subject.type;
}

/** Throws `StatementProblem` for a test of what an earlier rule changes to something unknown. */
export function specialize(
  condition: Condition,
  surroundings: Surroundings,
  { changes, sources }: { readonly changes: Changes; readonly sources: Sources },
  facts: Facts,
): Condition {
  return mapTests(condition, (test) => {
    const source = test.subject.type === "variable" ? sources.get(test.subject.name) : undefined;
    const resolved = source === undefined ? undefined : testOfSource(source, test);
    // The request as it came in is what conditions are evaluated on anyway.
    if (resolved) return specialize(resolved, surroundings, unchanged, facts);
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
    return changedOutcome(test, subject.type === "text" ? changedParts(subject, changes) : undefined);
  }
  switch (subject.type) {
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
    case "connections":
    case "body-size":
    case "credentials":
      return unsupported(
        "who asks, how often, and how much can only decide whether a request is refused",
        "Refuse with `http-request deny` or `http-request auth`.",
      );
    case "path":
      if (operator === "present") return always;
      return operator === "prefix" && values.some((value) => "/".startsWith(value)) ? always : undefined;
    default:
      return undefined;
  }
}

/** What a subject is a part of, or made of. */
function changesWithin(subject: Subject): readonly string[] {
  const { type } = subject;
  if (type === "text") return changesOf(subject.parts);
  if (type === "query-param") return ["query"];
  return type === "base" ? ["host", "path"] : [];
}

function changedOutcome(test: Test, change: Change): Condition {
  if (change === null) return never;
  if (typeof change === "object") return { kind: "test", test: testOfText(test, change) };
  const known = change === undefined ? undefined : decide(test, change);
  if (known !== undefined) return known ? always : never;
  return unsupported(
    "the condition looks at what an earlier rule changes to something that is not known here",
    "Move the rule with the condition in front of the one that makes the change.",
  );
}

/** The test of a part of the request, as one of what that part has become. */
function testOfText(test: Test, text: TextSubject): Test {
  const { subject, operator, values } = test;
  if (subject.type === "path" && operator !== "regex") {
    return { ...test, subject: text, values: values.map(encodePath) };
  }
  if (!isDivided(subject) || operator === "present") return { ...test, subject: text };
  const patterns = values.map((value) => `^${wholePattern(operator, value, "elements")}$`);
  return { ...test, subject: text, operator: "regex", values: patterns };
}

/** A text with what its parts have become; `undefined`: that is not known. */
function changedParts({ type, parts, ...rest }: TextSubject, changes: Changes): TextSubject | undefined {
  const made: RequestText = [];
  for (const part of parts) {
    const [key] = changesOf([part]).filter((changed) => changes.has(changed));
    const now = key === undefined ? [part] : changedPart(part, changes.get(key));
    if (!now) return undefined;
    made.push(...now);
  }
  return { type, parts: made, ...rest };
}

/** Of parts of a query, and of cookies, it is not known. */
function changedPart(
  { from, transforms = [] }: RequestText[number],
  change: Change,
): RequestText | undefined {
  if (from !== "Path" && from !== "Query" && from !== "Header") return undefined;
  if (typeof change === "string") return transforms.length === 0 ? [{ text: change }] : undefined;
  return change ? transformed(change.parts, transforms) : undefined;
}
