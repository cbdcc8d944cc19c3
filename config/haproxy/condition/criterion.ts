// One ACL criterion with its flags and patterns → a condition.
import { invalid, unsupported } from "../statement-problem.ts";
import type { NamedFiles } from "../named-files.ts";
import {
  always,
  and,
  never,
  not,
  operatorOfSuffix,
  or,
  type Condition,
  type Operator,
  type Subject,
  type Test,
} from "./condition.ts";
import { decide } from "./decide.ts";
import { counterCondition, rateAsCounter } from "./counter-condition.ts";
import { computedCondition } from "./computed.ts";
import { readComputed, readFetch, type Fetch, type MapFetch } from "./fetch.ts";
import { readRanges, splitComparison } from "./comparison.ts";
import { readNetwork } from "./network.ts";
import { mapCases, mapCondition, type KeyCondition, type MapCase } from "./map.ts";
import { elementPattern, isDivided, partPattern } from "./text-pattern.ts";

export interface Flags {
  readonly ignoreCase: boolean;
  /** Of `-m`. */
  readonly method: string | undefined;
  readonly patterns: readonly string[];
}

export const operatorOfMethod: ReadonlyMap<string, Operator> = new Map(
  Object.entries({
    ...operatorOfSuffix,
    str: "exact",
    found: "present",
  }),
);

/** `words`: expression, flags, patterns. Throws `StatementProblem`. */
export function readCriterion(words: readonly string[], files: NamedFiles): Condition {
  const [expression, ...rest] = words;
  if (expression === undefined) return invalid("the condition is empty");
  const flags = readFlags(rest, files);
  const fetch = readFetch(expression);
  const isOther = isMoreThanFetched(fetch, flags);
  const other = isOther ? readComputed(expression) : undefined;
  return fetchCondition(other ?? fetch, flags, files);
}

function isMoreThanFetched(fetch: Fetch, flags: Flags): boolean {
  switch (fetch.kind) {
    case "count":
    case "servers":
      return isCounted(flags);
    case "size":
      return sizeLimit(flags.patterns) === undefined;
    default:
      return fetch.kind === "text" && isComputed(fetch, flags);
  }
}

function isCounted({ patterns }: Flags): boolean {
  return patterns.some((word) => word.includes(":")) || presenceOf(patterns) === undefined;
}

/** Whether the text is taken for something else, or is one of several parts that are not compared apart. */
function isComputed({ subject, operator }: Extract<Fetch, { kind: "text" }>, { method }: Flags): boolean {
  if (ofOtherKinds.has(method)) return true;
  const how = method === undefined ? operator : operatorOfMethod.get(method);
  return subject.type === "base" && /^(?:regex|segment|label|present)$/.test(how ?? "");
}

/** Methods of `-m` that take a text for something else. */
const ofOtherKinds: ReadonlySet<string | undefined> = new Set(["len", "int", "ip"]);

/** Throws `StatementProblem`. */
function fetchCondition(fetch: Fetch, flags: Flags, files: NamedFiles): Condition {
  switch (fetch.kind) {
    case "text":
      return textCondition(fetch, flags);
    case "computed":
      return computedCondition(fetch, flags, operatorOfMethod.get(flags.method ?? ""));
    case "expression": {
      const { sample, operator } = fetch;
      const { method, patterns: values, ignoreCase } = flags;
      const subject: Subject = { type: "expression", sample, method, operator };
      return testOf({ subject, operator: "exact", values, ignoreCase });
    }
    case "boolean":
      return booleanCondition(fetch.subject, flags);
    case "groups":
      return groupsCondition(fetch.list, flags.patterns);
    case "number":
      return numberCondition(fetch.subject, flags.patterns);
    case "rate":
      return rateCondition(fetch.subject, flags);
    case "counter":
      return counterCondition(fetch.read, flags);
    case "status":
      return testOf({ ...statusTest(flags.patterns), subject: fetch.subject });
    case "size":
      return sizeCondition(fetch.subject, flags.patterns);
    case "count":
      return countCondition(fetch.subject, flags.patterns);
    case "servers":
      return serversCondition(fetch.subject, flags.patterns);
    case "network":
      return networkCondition(fetch.subject, flags.patterns);
    case "constant":
      return constantCondition(fetch.value, flags);
    case "map":
      return mapCondition(
        fetch,
        files,
        keyCondition(files),
        (value) => constantCondition(value, flags) === always,
      );
  }
}

/** The test of a variable, as one of what the variable was made of; `undefined`: that is no text. */
export function testOfSource(
  expression: string,
  { operator, values, ignoreCase }: Test,
): Condition | undefined {
  const fetch = readFetch(expression);
  if (fetch.kind === "computed") return testOf({ subject: fetch.subject, operator, values, ignoreCase });
  if (fetch.kind !== "text") return undefined;
  return textCondition({ ...fetch, operator }, { ignoreCase, method: undefined, patterns: values });
}

/** Which requests get which value of a map, the first one that holds. Throws `StatementProblem`. */
export function readMapCases(fetch: MapFetch, files: NamedFiles): MapCase[] {
  return mapCases(fetch, files, keyCondition(files));
}

const keyCondition =
  (files: NamedFiles): KeyCondition =>
  (key, patterns) =>
    fetchCondition(key, { ignoreCase: false, method: undefined, patterns }, files);

/** What stands behind the expression. Throws `StatementProblem`. */
export function readFlags(words: readonly string[], files: NamedFiles): Flags {
  const listed: string[] = [];
  let isMap = false;
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
    // The file is a map, whose keys are the patterns.
    else if (word === "-M") isMap = true;
    else if (word === "-m") {
      index += 1;
      method = words[index] ?? invalid("-m needs a match method, such as beg");
    } else if (word === "-f") {
      index += 1;
      const file = words[index] ?? invalid(`${word} needs the name of a file`);
      const found = isMap ? files.entries(file).map(({ key }) => key) : files.patterns(file);
      for (const pattern of found) listed.push(pattern);
    } else if (word === "-u") {
      index += 1;
    } else if (word.startsWith("-")) {
      return invalid(`${JSON.stringify(word)} is no flag`, {
        remedy: "Write -- in front of patterns that begin with a dash.",
      });
    } else break;
  }
  return { ignoreCase, method, patterns: [...listed, ...words.slice(index)] };
}

function textCondition(fetch: Extract<Fetch, { kind: "text" }>, flags: Flags): Condition {
  const { subject, letterCase } = fetch;
  const operator =
    flags.method === undefined ? (fetch.operator ?? "exact") : operatorOfMethod.get(flags.method);
  if (operator === undefined) {
    return unsupported(`the match method ${JSON.stringify(flags.method)} is not available here`);
  }
  if (subject.type === "base") return baseCondition(operator, flags);
  if (operator === "present") return testOf({ subject, operator, values: [], ignoreCase: false });
  const possible = flags.patterns.filter(
    (value) =>
      letterCase === undefined ||
      operator === "regex" ||
      value === (letterCase === "lower" ? value.toLowerCase() : value.toUpperCase()),
  );
  if (possible.length === 0) return never;
  const ignoreCase = flags.ignoreCase || letterCase !== undefined;
  const { elementsBefore, part } = fetch;
  if (elementsBefore === undefined && !part)
    return testOf({ subject, operator, values: possible, ignoreCase });
  const division = isDivided(subject) ? "elements" : "whole";
  const patternOf = (value: string): string | undefined =>
    part ? partPattern(part, operator, value, division) : elementPattern(elementsBefore!, operator, value);
  const values = possible.map(
    (value) =>
      patternOf(value) ??
      unsupported(`a part of a text cannot be compared by ${flags.method}`, "Compare the whole text."),
  );
  return testOf({ subject, operator: "regex", values, ignoreCase });
}

/** `example.com/api` is a host and the beginning of a path. */
function baseCondition(operator: Operator, { patterns, ignoreCase }: Flags): Condition {
  const host = (how: Operator, value: string): Condition =>
    testOf({ subject: { type: "host", port: true }, operator: how, values: [value], ignoreCase });
  const path = (how: Operator, value: string): Condition =>
    testOf({ subject: { type: "path" }, operator: how, values: [value], ignoreCase });
  const parts = patterns.map((value): Condition => {
    const slash = value.indexOf("/");
    const [name, rest] = slash < 0 ? [value, ""] : [value.slice(0, slash), value.slice(slash)];
    switch (operator) {
      case "exact":
        return slash < 0 ? never : and([host("exact", name), path("exact", rest)]);
      case "prefix":
        return slash < 0 ? host("prefix", name) : and([host("exact", name), path("prefix", rest)]);
      case "suffix":
        if (slash <= 0) return path("suffix", value);
        return or([path("suffix", value), and([host("suffix", name), path("exact", rest)])]);
      case "contains":
        if (slash === 0) return path("contains", value);
        return or([
          path("contains", value),
          slash < 0 ? host("contains", name) : and([host("suffix", name), path("prefix", rest)]),
        ]);
      default:
        return unsupported(
          "host and path together cannot be compared like this",
          "Test hdr(host) and path apart.",
        );
    }
  });
  return or(parts);
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

function groupsCondition(list: string, groups: readonly string[]): Condition {
  if (groups.length === 0) return invalid("expected the names of groups");
  const subject: Subject = { type: "credentials", list, groups };
  return testOf({ subject, operator: "exact", values: ["on"], ignoreCase: false });
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

/** Above a number of requests, which may be a limit. */
function rateCondition(subject: Subject, flags: Flags): Condition {
  const [operator = "", number = "", ...others] = flags.patterns;
  const max = Number(number) - (operator === "ge" ? 1 : 0);
  const isAbove = /^g[te]$/.test(operator) && /^[0-9]{1,15}$/.test(number) && others.length === 0 && max >= 1;
  if (!isAbove || (flags.method ?? "int") !== "int") {
    if (subject.type === "rate") return counterCondition(rateAsCounter(subject), flags);
    return unsupported("a rate is compared with gt or ge, and a number of at least 1", "Write `gt 100`.");
  }
  return testOf({ subject, operator: "exact", values: [String(max)], ignoreCase: false });
}

/** `404 410`, `500:599`, `ge 500`. */
function statusTest(patterns: readonly string[]): Omit<Test, "subject"> {
  const { words } = splitComparison(patterns, "status");
  const bad = words.find((word) => !/^[0-9]{3}(?::[0-9]{3})?$/.test(word));
  if (bad !== undefined) {
    return invalid(`expected a status, or a range of them; found ${JSON.stringify(bad)}`);
  }
  return { operator: "range", values: readRanges(patterns), ignoreCase: false };
}

/** Above a number of bytes, or not above it. */
function sizeCondition(subject: Subject, patterns: readonly string[]): Condition {
  const { max, isAbove } = sizeLimit(patterns)!;
  const above = testOf({ subject, operator: "exact", values: [String(max)], ignoreCase: false });
  return isAbove ? above : not(above);
}

/** What a body may not exceed, or has to; `undefined`: no limit is asked for. */
function sizeLimit(patterns: readonly string[]): { max: number; isAbove: boolean } | undefined {
  const { operator, words } = splitComparison(patterns);
  const isExclusive = operator === "ge" || operator === "lt";
  const max = Number(words[0]) - (isExclusive ? 1 : 0);
  if (operator === "eq" || words.length > 1 || !(max >= 1)) return undefined;
  return { max, isAbove: operator === "gt" || operator === "ge" };
}

/** A header that is there or not. */
function countCondition(subject: Subject, patterns: readonly string[]): Condition {
  const present = testOf({ subject, operator: "present", values: [], ignoreCase: false });
  const outcome = presenceOf(patterns);
  if (outcome !== undefined) return outcome ? present : not(present);
  return unsupported(
    "header lines are not counted; only none or some can be told",
    "Compare with `gt 0` or `eq 0`.",
  );
}

/** Whether some of something is asked for, or none; `undefined`: more than that. */
function presenceOf(patterns: readonly string[]): boolean | undefined {
  const { operator, numbers } = readComparison(patterns);
  const comparison = `${operator} ${numbers.join(" ")}`;
  if (["gt 0", "ge 1"].includes(comparison)) return true;
  return ["eq 0", "lt 1", "le 0"].includes(comparison) ? false : undefined;
}

/** Whether a server is up. */
function serversCondition(subject: Subject, patterns: readonly string[]): Condition {
  const up = testOf({ subject, operator: "exact", values: ["on"], ignoreCase: false });
  return presenceOf(patterns) ? up : not(up);
}

function readComparison(patterns: readonly string[]): { operator: string; numbers: readonly string[] } {
  const { operator, words } = splitComparison(patterns);
  const bad = words.find((value) => !/^[0-9]+$/.test(value));
  if (bad !== undefined)
    unsupported(`expected a number; found ${JSON.stringify(bad)}`, "List the numbers one by one.");
  return { operator, numbers: words };
}

function networkCondition(subject: Subject, patterns: readonly string[]): Condition {
  if (patterns.length === 0) return never;
  return testOf({ subject, operator: "network", values: patterns.map(readNetwork), ignoreCase: false });
}

/** What is known of a text that stands in the file. */
export function constantCondition(value: string, { patterns, ignoreCase, method }: Flags): Condition {
  if (method === "found") return always;
  const operator = /^(?:str|bool|int)$/.test(method ?? "str") ? "exact" : operatorOfMethod.get(method!);
  if (operator === undefined) {
    return unsupported(`the match method ${JSON.stringify(method)} is not available here`);
  }
  if (patterns.length === 0) return /^(?:0|false|)$/.test(value) ? never : always;
  const subject: Subject = { type: "variable", name: "" };
  const outcome = decide({ subject, operator, values: patterns, ignoreCase }, value);
  if (outcome !== undefined) return outcome ? always : never;
  return unsupported(
    "a known text is not compared with regular expressions",
    "Compare it with -m str or -m sub.",
  );
}
