// Conditions on sample expressions with variables in them (`var(txn.raw),sha1,base64,secure_memcmp(txn.hash)`): what they look
// at is known where the rule stands.
import type { RequestText } from "#contract/request-text.ts";
import { unsupported } from "../statement-problem.ts";
import type { Standpoint } from "./changes.ts";
import { readRanges } from "./comparison.ts";
import { computedCondition } from "./computed.ts";
import { never, not, type Condition, type ExpressionSubject, type Test } from "./condition.ts";
import { constantCondition, operatorOfMethod } from "./criterion.ts";
import { knownValue } from "./known-sample.ts";
import { partsOfVariable, resolveSample } from "./resolve-sample.ts";
import { isOfResponse } from "./response-parts.ts";
import { comparedVariable, type Comparison } from "./sample-variables.ts";

/** Throws `StatementProblem`. */
export function expressionCondition(
  subject: ExpressionSubject,
  { values: patterns, ignoreCase }: Test,
  at: Standpoint,
): Condition {
  const { sample, method, operator } = subject;
  const flags = { ignoreCase, method, patterns };
  const comparison = comparedVariable(sample);
  if (comparison) return equalityCondition(comparison, flags.patterns, at);
  const resolved = resolveSample(sample, at);
  if (!resolved) return notKnown();
  const { parts, kind } = resolved;
  const known = knownValue(sample, at);
  const isText = kind === "text" && !/^(?:int|ip|len|reg)$/.test(method ?? "") && operator === undefined;
  if (known !== undefined && isText) return constantCondition(known, flags);
  if (parts.length === 0) return never;
  refuseResponse(parts);
  if (kind === "binary" && method !== "found") {
    return unsupported("bytes are not compared", "Write them as text first, with hex or base64.");
  }
  const fetch = { kind: "computed", subject: { type: "text", parts }, gives: kind, operator } as const;
  return computedCondition(fetch, flags, operatorOfMethod.get(method ?? ""));
}

function equalityCondition(
  { sample, variable, equal }: Comparison,
  patterns: readonly string[],
  at: Standpoint,
): Condition {
  const one = resolveSample(sample, at);
  const other = partsOfVariable(variable, at);
  if (!one || !other) return notKnown();
  if (one.parts.length === 0 || other.length === 0) return never;
  refuseResponse([...one.parts, ...other]);
  const isEqual: Condition = {
    kind: "test",
    test: {
      subject: { type: "text", parts: one.parts, valueFrom: other },
      operator: "exact",
      values: [],
      ignoreCase: false,
    },
  };
  if (equal === "1") return patterns.length === 0 || patterns.at(-1) === "1" ? isEqual : not(isEqual);
  const [range, ...others] = patterns.length === 0 ? [] : readRanges(patterns);
  if (range === "0:0" && others.length === 0) return isEqual;
  return unsupported("only whether texts are equal can be told", "Compare with `eq 0`.");
}

/** Rules are chosen before there is one. */
function refuseResponse(parts: RequestText): void {
  if (!isOfResponse(parts)) return;
  unsupported(
    "the condition looks at a variable that is made of the response",
    "Test the response itself, with res.hdr or status.",
  );
}

function notKnown(): never {
  return unsupported(
    "the condition looks at what an earlier rule changes to something that is not known here",
    "Move the rule with the condition in front of the one that makes the change.",
  );
}
