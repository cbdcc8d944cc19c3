// Conjunctions of tests → matches of rules.
import type { z } from "zod";
import { methodSchema, type exclusionSchema, type routeMatchSchema } from "#contract/http-route.ts";
import { limits } from "#contract/limits.ts";
import { patternError } from "#contract/pattern/parse-pattern.ts";
import { anyOf, encodePath } from "../../pattern-text.ts";
import { unsupported } from "../statement-problem.ts";
import type { Test, TextSubject } from "./condition.ts";
import type { Conjunction } from "./normal-form.ts";
import { isDivided, wholePattern } from "./text-pattern.ts";

export type Match = z.input<typeof routeMatchSchema>;
type Part = z.input<typeof exclusionSchema>;
type ValueMatch = NonNullable<Part["headers"]>[number];

/** Beyond this the alternatives of one conjunction are refused. */
const maxMatches = 16_384;

/** Alternatives, one of which holds when the conjunction does. Throws `StatementProblem`. */
export function toMatches(conjunction: Conjunction): Match[] {
  const not: Part[] = [];
  let matches: Part[][] = [[]];
  for (const { test, holds } of conjunction) {
    if (!holds) {
      not.push(...partsOf(test, "few"));
      continue;
    }
    const parts = partsOf(test, "plain");
    matches = matches.flatMap((match) => parts.map((part) => [...match, part]));
    if (matches.length > maxMatches) {
      unsupported(
        `the condition has more than ${maxMatches} combinations of alternatives`,
        "Split the rule.",
      );
    }
  }
  return matches.map((parts) => joinParts(parts, not));
}

function joinParts(parts: readonly Part[], not: readonly Part[]): Match {
  const match: Match = {};
  const and: Part[] = [];
  for (const part of parts) {
    if (isFree(match, part)) addPart(match, part);
    else and.push(part);
  }
  const isLong = listKinds.some((kind) => (match[kind]?.length ?? 0) > 16);
  if (isLong || and.length > 8 || not.length > 16) {
    unsupported("the condition has too many parts for one rule", "Split the rule.");
  }
  return { ...match, ...(and.length > 0 && { and }), ...(not.length > 0 && { not: [...not] }) };
}

/** Whether the match does not look at the same thing yet: it could only hold one condition on it. */
function isFree(match: Match, part: Part): boolean {
  if (part.path) return match.path === undefined;
  if (part.method) return match.method === undefined;
  if (part.clientCIDRs) return match.clientCIDRs === undefined;
  if (part.texts) return false;
  const [kind, [condition]] = listOf(part);
  return !(match[kind] ?? []).some(({ name }) => name === condition!.name);
}

function addPart(match: Match, part: Part): void {
  if (part.path || part.method || part.clientCIDRs) {
    Object.assign(match, part);
    return;
  }
  const [kind, [condition]] = listOf(part);
  match[kind] = [...(match[kind] ?? []), condition!];
}

const listKinds = ["headers", "queryParams", "cookies"] as const;

function listOf(part: Part): [kind: (typeof listKinds)[number], list: ValueMatch[]] {
  const kind = listKinds.find((key) => part[key] !== undefined)!;
  return [kind, part[kind]!];
}

/** Alternatives of a test: in their plain forms, or as few as possible. */
function partsOf(test: Test, style: "plain" | "few"): Part[] {
  const { subject, values } = test;
  switch (subject.type) {
    case "path":
      return pathParts(test, style);
    case "method":
      return values.map((value) => ({ method: methodOf(value) }));
    case "client":
      return chunks(values, 256).map((clientCIDRs) => ({ clientCIDRs }));
    case "host":
    case "header":
      return valueParts(test, "headers", subject.type === "host" ? "host" : subject.name);
    case "query-param":
      return valueParts(test, "queryParams", subject.name);
    case "cookie":
      return valueParts(test, "cookies", subject.name);
    case "status":
    case "response-header":
      return unsupported("the response is not there yet", "Test it in `http-response`.");
    case "text":
      return textParts(subject, test);
    case "base":
    case "expression":
    case "connection":
    case "servers":
    case "tls":
    case "port":
    case "variable":
    case "rate":
    case "counter":
    case "connections":
    case "body-size":
    case "credentials":
      throw new Error(`${subject.type} is decided before`);
  }
}

function methodOf(value: string): z.infer<typeof methodSchema> {
  const parsed = methodSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  return unsupported(
    `the method ${JSON.stringify(value)} cannot be matched`,
    `Known are ${methodSchema.options.join(", ")}.`,
  );
}

function pathParts(test: Test, style: "plain" | "few"): Part[] {
  const { operator, ignoreCase } = test;
  // The gateway matches paths in their canonical spelling, in which other characters are percent-encoded.
  const values = operator === "regex" ? test.values : test.values.map(encodePath);
  if (operator === "exact" && (style === "plain" || values.length === 1)) {
    return values
      .filter((value) => value.startsWith("/"))
      .map((value) => ({ path: { type: "Exact", value, ...(ignoreCase && { ignoreCase }) } }));
  }
  const patterns = values.map((value) => wholePattern(operator, value, "whole"));
  // Apart, prefixes are told from each other without running them.
  const isApart = operator === "prefix" && style === "plain";
  return expressions(patterns, ignoreCase, isApart ? 1 : Infinity).map((value) => ({
    path: { type: "RegularExpression", value },
  }));
}

type TextMatch = NonNullable<Part["texts"]>[number];

function textParts(subject: TextSubject, { operator, values, ignoreCase }: Test): Part[] {
  const { parts, missingIsEmpty, valueFrom } = subject;
  const text = { parts, ...(missingIsEmpty && { missingIsEmpty }) };
  const part = (match: Omit<TextMatch, "parts">): Part => ({ texts: [{ ...text, ...match }] });
  if (valueFrom) return [part({ valueFrom })];
  switch (operator) {
    case "present":
      // A query is there once it has something in it.
      return parts.length === 1 && parts[0]!.from === "Query"
        ? [part({ type: "RegularExpression", value: ".+" })]
        : [part({ type: "Present" })];
    case "network":
      return chunks(values, 256).map((cidrs) => part({ type: "InNetworks", cidrs }));
    case "range":
      return values.map((value) => part({ type: "InRange", range: rangeOf(value) }));
    default: {
      if (operator === "exact" && !ignoreCase) return values.map((value) => part({ value }));
      const patterns = values.map((value) => wholePattern(operator, value, "whole"));
      return expressions(patterns, ignoreCase, Infinity).map((value) =>
        part({ type: "RegularExpression", value }),
      );
    }
  }
}

function rangeOf(value: string): { min?: number; max?: number } {
  const [min = "", max = ""] = value.split(":");
  return { ...(min !== "" && { min: Number(min) }), ...(max !== "" && { max: Number(max) }) };
}

function valueParts(test: Test, kind: (typeof listKinds)[number], name: string): Part[] {
  return valueMatches(test, name).map((match) => ({ [kind]: [match] }));
}

/** Alternatives of a test of a header, a query parameter or a cookie. Throws `StatementProblem`. */
export function valueMatches({ subject, operator, values, ignoreCase }: Test, name: string): ValueMatch[] {
  if (operator === "present") return [{ type: "Present", name }];
  const divided = isDivided(subject);
  // An element of a list has no comma in it.
  const possible = divided && operator !== "regex" ? values.filter((value) => !value.includes(",")) : values;
  if (operator === "exact" && !divided && !ignoreCase && subject.type !== "host" && !possible.includes("")) {
    return possible.map((value) => ({ type: "Exact", name, value }));
  }
  const port = subject.type === "host" && !subject.port ? "(?::[0-9]*)?" : "";
  const patterns = possible.map(
    (value) => wholePattern(operator, value, divided ? "elements" : "whole") + port,
  );
  return expressions(patterns, ignoreCase || subject.type === "host", Infinity).map((value) => ({
    type: "RegularExpression",
    name,
    value,
  }));
}

/** Joins expressions as far as the bound on their length and `maxJoined` allow. */
function expressions(patterns: readonly string[], ignoreCase: boolean, maxJoined: number): string[] {
  const flag = ignoreCase ? "(?i)" : "";
  const result: string[] = [];
  let group: string[] = [];
  let chars = 0;
  const close = (): void => {
    if (group.length > 0) result.push(flag + anyOf(group));
    group = [];
    chars = 0;
  };
  for (const pattern of new Set(patterns)) {
    if (chars + pattern.length + 16 > limits.regexChars || group.length >= maxJoined) close();
    group.push(pattern);
    chars += pattern.length + 1;
  }
  close();
  for (const expression of result) checkExpression(expression);
  return result;
}

function checkExpression(expression: string): void {
  const problem = patternError(expression);
  if (problem === undefined) return;
  unsupported(
    `as a regular expression that runs in linear time, ${JSON.stringify(expression.slice(0, 80))} is not possible: ${problem}`,
    "Write it without look-around and back-references, and with smaller repetitions.",
  );
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const result: T[][] = [];
  for (let start = 0; start < items.length; start += size) result.push(items.slice(start, start + size));
  return result;
}
