// Conditions on connections → matches of the native model.
import type { z } from "zod";
import type { connectionConditionSchema, connectionMatchSchema } from "#contract/connection-inspection.ts";
import { limits } from "#contract/limits.ts";
import { patternError } from "#contract/pattern/parse-pattern.ts";
import type { Condition, Test } from "../condition/condition.ts";
import { disjunctiveForm } from "../condition/normal-form.ts";
import { wholePattern } from "../condition/text-pattern.ts";
import { unsupported } from "../statement-problem.ts";

export type ConnectionMatchInput = z.input<typeof connectionMatchSchema>;
type ConditionInput = z.input<typeof connectionConditionSchema>;

/** `[]`: every connection. `undefined`: none. Throws `StatementProblem`. */
export function connectionMatches(condition: Condition): ConnectionMatchInput[] | undefined {
  const form = disjunctiveForm(condition);
  if (!form || form.length > limits.matchesPerRule)
    return unsupported("the condition has too many alternatives", "Split the rule.");
  if (form.length === 0) return undefined;
  if (form.some((conjunction) => conjunction.length === 0)) return [];
  return form.map((conjunction) => ({
    conditions: conjunction.map(({ test, holds }) => ({
      ...conditionOf(test),
      ...(!holds && { not: true }),
    })),
  }));
}

function conditionOf(test: Test): ConditionInput {
  const { subject, operator, values } = test;
  switch (subject.type) {
    case "host":
      return { field: "ServerName", ...comparison(test) };
    case "client":
      return { field: "ClientIP", type: "InNetworks", cidrs: [...values] };
    case "connection": {
      const { field, name, payload } = subject;
      const place = { field, ...(name !== undefined && { name }), ...(payload && { payload }) };
      return { ...place, ...(operator === "range" ? ranges(values) : comparison(test)) };
    }
    default:
      return unsupported(
        "connections are told apart by their addresses, and by the bytes that they begin with",
        "Test src, dst_port, req.ssl_sni, req.ssl_alpn, req.payload and the like.",
      );
  }
}

function ranges(values: readonly string[]): Pick<ConditionInput, "type" | "ranges"> {
  const numbers = values.map((value) => {
    const [min = "", max = ""] = value.split(":");
    return { ...(min !== "" && { min: Number(min) }), ...(max !== "" && { max: Number(max) }) };
  });
  return { type: "InRange", ranges: numbers };
}

const plainTypes = {
  exact: "Exact",
  prefix: "Prefix",
  suffix: "Suffix",
  contains: "Contains",
  present: "Present",
} as const;

function comparison({ subject, operator, values, ignoreCase }: Test): Omit<ConditionInput, "field"> {
  if (operator === "present") return { type: "Present" };
  if (values.length > limits.valuesPerCondition)
    unsupported(`more than ${limits.valuesPerCondition} values in one condition`, "Split the list.");
  // The gateway has server names in lower case.
  const isName = subject.type === "host";
  const type = operator in plainTypes ? plainTypes[operator as keyof typeof plainTypes] : "RegularExpression";
  if (type !== "RegularExpression") {
    return {
      ...(type !== "Exact" && { type }),
      values: isName ? values.map((value) => value.toLowerCase()) : [...values],
      ...(ignoreCase && !isName && { ignoreCase }),
    };
  }
  const flags = `${ignoreCase || isName ? "i" : ""}${subject.type === "connection" ? "s" : ""}`;
  const patterns = values.map((value) => `(?${flags})${wholePattern(operator, value, "whole")}`);
  for (const pattern of patterns) {
    const problem = pattern.length > limits.regexChars ? "it is too long" : patternError(pattern);
    if (problem !== undefined) unsupported(`the regular expression cannot be used: ${problem}`);
  }
  return { type, values: patterns };
}
