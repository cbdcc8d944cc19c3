// Samples that no condition of the model looks at by itself (`url_reg`, `hdr_ip(x-forwarded-for)`, `path,crc32,mod(2)`): tests
// of texts that the gateway puts together.
import { isCidr } from "../../native/address.ts";
import { invalid, unsupported } from "../statement-problem.ts";
import { and, not, or, type Condition, type Operator, type Subject } from "./condition.ts";
import { convert, convertedText, type SampleKind } from "./converters.ts";
import { kindOfFetch, partsOfFetch, transformed } from "./request-parts.ts";
import type { Call, Sample } from "./sample.ts";

export type TextSubject = Extract<Subject, { type: "text" }>;

export type ComputedFetch =
  | {
      readonly kind: "computed";
      readonly subject: TextSubject;
      readonly gives: SampleKind;
      readonly operator: Operator | undefined;
    }
  | { readonly kind: "constant"; readonly value: string };

/** Of a name such as `hdr_len`: how its text is looked at. */
const suffixes: Readonly<
  Record<string, { readonly operator?: Operator; readonly gives?: SampleKind; readonly converter?: Call }>
> = {
  beg: { operator: "prefix" },
  end: { operator: "suffix" },
  sub: { operator: "contains" },
  dir: { operator: "segment" },
  dom: { operator: "label" },
  reg: { operator: "regex" },
  len: { converter: { name: "length", args: [] } },
  val: { gives: "number" },
  ip: { gives: "address" },
};

const nothing = new Map<string, never>();

/** `undefined`: it cannot be had here. */
export function computedFetch({ fetch, converters }: Sample): ComputedFetch | undefined {
  if (/^(?:str|int|bool)$/.test(fetch.name)) {
    const value = convertedText(fetch.args[0] ?? "", converters, kindOfFetch(fetch));
    return value === undefined ? undefined : { kind: "constant", value };
  }
  const [, name, suffix] = /^(.+?)(?:_(beg|end|sub|dir|dom|reg|len|val|ip))?$/.exec(fetch.name)!;
  const { operator, gives, converter } = (suffix !== undefined && suffixes[suffix]) || {};
  // Every address of a list counts.
  const isList = gives === "address" && fetch.args.length === 1;
  const call: Call = { name: isList ? name!.replace(/^(req\.)?hdr$/, "$1fhdr") : name!, args: fetch.args };
  const conversion = convert(converter ? [converter, ...converters] : converters, gives ?? kindOfFetch(call));
  const parts = partsOfFetch(call, nothing);
  const text = parts && conversion && transformed(parts, conversion.transforms);
  if (!text || conversion.kind === "binary") return undefined;
  return { kind: "computed", subject: { type: "text", parts: text }, gives: conversion.kind, operator };
}

/** Behind an expression: `-m`, `-i` and what is compared with. */
export interface MatchFlags {
  readonly method: string | undefined;
  readonly patterns: readonly string[];
  readonly ignoreCase: boolean;
}

/** `textOperator`: of the method, if it compares texts. Throws `StatementProblem`. */
export function computedCondition(
  { subject, gives, operator }: Extract<ComputedFetch, { kind: "computed" }>,
  { method, patterns, ignoreCase }: MatchFlags,
  textOperator: Operator | undefined,
): Condition {
  const test = (how: Operator, values: readonly string[]): Condition => ({
    kind: "test",
    test: { subject, operator: how, values, ignoreCase },
  });
  if (method === "len") return lengthCondition(subject, patterns);
  if (method === "ip" || (method === undefined && gives === "address"))
    return test("network", patterns.map(network));
  const isNumber = method === "int" || (method === undefined && (gives === "number" || gives === "boolean"));
  if (isNumber) {
    if (patterns.length > 0) return or(readRanges(patterns).map((range) => test("range", [range])));
    return gives === "boolean"
      ? test("range", ["1:1"])
      : and([test("present", []), not(test("range", ["0:0"]))]);
  }
  const how = method === undefined ? (operator ?? "exact") : textOperator;
  if (how === undefined)
    return unsupported(`the match method ${JSON.stringify(method)} is not available here`);
  if (how === "present") return test(how, []);
  return patterns.length === 0 ? { kind: "constant", value: false } : test(how, patterns);
}

function lengthCondition(subject: TextSubject, patterns: readonly string[]): Condition {
  const parts = transformed(subject.parts, [{ type: "Length" }]);
  if (!parts) return unsupported("the length of this text is not known here");
  return or(
    readRanges(patterns).map((range): Condition => ({
      kind: "test",
      test: { subject: { type: "text", parts }, operator: "range", values: [range], ignoreCase: false },
    })),
  );
}

function network(pattern: string): string {
  if (isCidr(pattern)) return pattern;
  return invalid(`expected a network such as 10.0.0.0/8; found ${JSON.stringify(pattern)}`, {
    remedy: "Write addresses, not names.",
  });
}

/** `gt 5`, `1:3 7`, `:9` (§7.1.2) as `min:max`, either of which may be missing. */
function readRanges(patterns: readonly string[]): string[] {
  const named = /^(?:eq|ge|gt|le|lt)$/.test(patterns[0] ?? "");
  const comparison = named ? patterns[0]! : "eq";
  const numbers = named ? patterns.slice(1) : patterns;
  if (numbers.length === 0) invalid("expected a number to compare with");
  return numbers.map((text) => {
    const found = /^(-?[0-9]{1,15})?(:)?(-?[0-9]{1,15})?$/.exec(text);
    if (!found || text === "" || text === ":") {
      return unsupported(`expected a number; found ${JSON.stringify(text)}`, "List the numbers one by one.");
    }
    const [, min = "", colon, max = ""] = found;
    const [low, high] = colon === undefined ? [min, min] : [min, max];
    switch (comparison) {
      case "gt":
        return `${BigInt(high || "0") + 1n}:`;
      case "ge":
        return `${low}:`;
      case "lt":
        return `:${BigInt(low || "0") - 1n}`;
      case "le":
        return `:${high}`;
      default:
        return `${low}:${high}`;
    }
  });
}
