// One ACL criterion with its flags and patterns → a condition.
import { isCidr } from "../../native/address.ts";
import { invalid, unsupported } from "../statement-problem.ts";
import {
  always,
  never,
  not,
  or,
  type Condition,
  type Operator,
  type Subject,
  type Test,
} from "./condition.ts";
import { readFetch, type Fetch } from "./fetch.ts";
import { elementPattern } from "./text-pattern.ts";

interface Flags {
  readonly ignoreCase: boolean;
  /** Of `-m`. */
  readonly method: string | undefined;
  readonly patterns: readonly string[];
}

const operatorOfMethod: Readonly<Record<string, Operator>> = {
  str: "exact",
  beg: "prefix",
  end: "suffix",
  sub: "contains",
  dir: "segment",
  dom: "label",
  reg: "regex",
  found: "present",
};

/** `words`: expression, flags, patterns. Throws `StatementProblem`. */
export function readCriterion(words: readonly string[]): Condition {
  const [expression, ...rest] = words;
  if (expression === undefined) return invalid("the condition is empty");
  const fetch = readFetch(expression);
  const flags = readFlags(rest);
  switch (fetch.kind) {
    case "text":
      return textCondition(fetch, flags);
    case "boolean":
      return booleanCondition(fetch.subject, flags);
    case "number":
      return numberCondition(fetch.subject, flags.patterns);
    case "rate":
      return rateCondition(fetch.subject, flags.patterns);
    case "count":
      return countCondition(fetch.subject, flags.patterns);
    case "network":
      return networkCondition(fetch.subject, flags.patterns);
    case "constant":
      return constantCondition(fetch.value, flags);
  }
}

function readFlags(words: readonly string[]): Flags {
  let ignoreCase = false;
  let method: string | undefined;
  let index = 0;
  for (; index < words.length; index += 1) {
    const word = words[index]!;
    if (word === "--") {
      index += 1;
      break;
    }
    if (word === "-i") ignoreCase = true;
    else if (word === "-n") continue;
    else if (word === "-m") {
      index += 1;
      method = words[index] ?? invalid("-m needs a match method, such as beg");
    } else if (word === "-f" || word === "-M") {
      unsupported(
        `the patterns stand in the file ${JSON.stringify(words[index + 1] ?? "")}, which is no part of this configuration`,
        "Write the patterns here.",
      );
    } else if (word === "-u") {
      index += 1;
    } else break;
  }
  return { ignoreCase, method, patterns: words.slice(index) };
}

function textCondition(fetch: Extract<Fetch, { kind: "text" }>, flags: Flags): Condition {
  const { subject, letterCase } = fetch;
  const operator = flags.method === undefined ? (fetch.operator ?? "exact") : operatorOfMethod[flags.method];
  if (operator === undefined) {
    return unsupported(`the match method ${JSON.stringify(flags.method)} is not available here`);
  }
  if (operator === "present") return testOf({ subject, operator, values: [], ignoreCase: false });
  const possible = flags.patterns.filter(
    (value) =>
      letterCase === undefined ||
      operator === "regex" ||
      value === (letterCase === "lower" ? value.toLowerCase() : value.toUpperCase()),
  );
  if (possible.length === 0) return never;
  const ignoreCase = flags.ignoreCase || letterCase !== undefined;
  if (fetch.elementsBefore === undefined) return testOf({ subject, operator, values: possible, ignoreCase });
  const values = possible.map(
    (value) =>
      elementPattern(fetch.elementsBefore!, operator, value) ??
      unsupported(`an element of the path cannot be compared by ${flags.method}`, "Compare the whole path."),
  );
  return testOf({ subject, operator: "regex", values, ignoreCase });
}

const testOf = (test: Test): Condition => ({ kind: "test", test });

function booleanCondition(subject: Subject, { patterns }: Flags): Condition {
  const on: Condition = testOf({ subject, operator: "exact", values: ["on"], ignoreCase: false });
  const [pattern] = patterns.filter((word) => word !== "eq");
  if (pattern === undefined) return on;
  if (/^(?:1|true|on|yes)$/.test(pattern)) return on;
  if (/^(?:0|false|off|no)$/.test(pattern)) return not(on);
  return invalid(`expected true or false; found ${JSON.stringify(pattern)}`);
}

function numberCondition(subject: Subject, patterns: readonly string[]): Condition {
  const { operator, numbers } = readComparison(patterns);
  if (operator === "eq") {
    return or(
      numbers.map((value) => testOf({ subject, operator: "exact", values: [value], ignoreCase: false })),
    );
  }
  return unsupported("ports are compared with eq only", "List the ports.");
}

/** Above a number of requests. */
function rateCondition(subject: Subject, patterns: readonly string[]): Condition {
  const { operator, numbers } = readComparison(patterns);
  const max = Number(numbers[0]) - (operator === "ge" ? 1 : 0);
  if ((operator !== "gt" && operator !== "ge") || max < 1) {
    return unsupported("a rate is compared with gt or ge, and a number of at least 1", "Write `gt 100`.");
  }
  return testOf({ subject, operator: "exact", values: [String(max)], ignoreCase: false });
}

/** A header that is there or not. */
function countCondition(subject: Subject, patterns: readonly string[]): Condition {
  const present = testOf({ subject, operator: "present", values: [], ignoreCase: false });
  const { operator, numbers } = readComparison(patterns);
  const comparison = `${operator} ${numbers.join(" ")}`;
  if (["gt 0", "ge 1"].includes(comparison)) return present;
  if (["eq 0", "lt 1", "le 0"].includes(comparison)) return not(present);
  return unsupported(
    "header lines are not counted; only none or some can be told",
    "Compare with `gt 0` or `eq 0`.",
  );
}

function readComparison(patterns: readonly string[]): { operator: string; numbers: readonly string[] } {
  const named = /^(?:eq|ge|gt|le|lt)$/.test(patterns[0] ?? "");
  const numbers = named ? patterns.slice(1) : patterns;
  const bad = numbers.find((value) => !/^[0-9]+$/.test(value));
  if (bad !== undefined)
    unsupported(`expected a number; found ${JSON.stringify(bad)}`, "List the numbers one by one.");
  if (numbers.length === 0) invalid("expected a number to compare with");
  return { operator: named ? patterns[0]! : "eq", numbers };
}

function networkCondition(subject: Subject, patterns: readonly string[]): Condition {
  const values = patterns.map(
    (pattern) =>
      networkOf(pattern) ??
      invalid(`expected a network such as 10.0.0.0/8; found ${JSON.stringify(pattern)}`, {
        remedy: "Write addresses, not names.",
      }),
  );
  if (values.length === 0) return never;
  return testOf({ subject, operator: "network", values, ignoreCase: false });
}

/** Also `10.0.0.0/255.0.0.0`. */
function networkOf(text: string): string | undefined {
  if (isCidr(text)) return text;
  const [address, mask, ...rest] = text.split("/");
  if (mask === undefined || rest.length > 0 || !isCidr(mask) || !mask.includes(".")) return undefined;
  const bits = mask
    .split(".")
    .map((part) => Number(part).toString(2).padStart(8, "0"))
    .join("");
  const length = bits.indexOf("0") < 0 ? 32 : bits.indexOf("0");
  if (bits.slice(length).includes("1")) return undefined;
  return isCidr(`${address}/${length}`) ? `${address}/${length}` : undefined;
}

function constantCondition(value: string, { patterns, ignoreCase, method }: Flags): Condition {
  if (method === "found") return always;
  if (method !== undefined && method !== "str" && method !== "bool" && method !== "int") {
    return unsupported(`the match method ${JSON.stringify(method)} is not available here`);
  }
  if (patterns.length === 0) return /^(?:0|false|)$/.test(value) ? never : always;
  const fold = (text: string): string => (ignoreCase ? text.toLowerCase() : text);
  return patterns.some((pattern) => fold(pattern) === fold(value)) ? always : never;
}
