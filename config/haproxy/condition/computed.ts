// Samples that no condition of the model looks at by itself (`url_reg`, `hdr_ip(x-forwarded-for)`, `path,crc32,mod(2)`): tests
// of texts that the gateway puts together.
import { unsupported } from "../statement-problem.ts";
import { readRanges } from "./comparison.ts";
import {
  and,
  not,
  operatorOfSuffix,
  or,
  type Condition,
  type Operator,
  type TextSubject,
} from "./condition.ts";
import { convert, convertedText, type SampleKind } from "./converters.ts";
import { readNetwork } from "./network.ts";
import { kindOfFetch, partsOfFetch } from "./request-parts.ts";
import type { Call, Sample } from "./sample.ts";
import { transformed } from "./text-parts.ts";

export type ComputedFetch =
  | {
      readonly kind: "computed";
      readonly subject: TextSubject;
      readonly gives: SampleKind;
      readonly operator: Operator | undefined;
    }
  | { readonly kind: "constant"; readonly value: string };

/** Of a name such as `hdr_len`: what its text is taken for. */
const suffixes: Readonly<
  Record<string, { readonly gives?: SampleKind; readonly converter?: Call } | undefined>
> = {
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
  const [, name, suffix = ""] = /^(.+?)(?:_(beg|end|sub|dir|dom|reg|len|val|ip))?$/.exec(
    wholeName(fetch.name),
  )!;
  const operator = operatorOfSuffix[suffix];
  const { gives, converter } = suffixes[suffix] ?? {};
  // Every address of a list counts.
  const isList = gives === "address" && fetch.args.length === 1;
  const call: Call = { name: isList ? name!.replace(/^(req\.)?hdr$/, "$1fhdr") : name!, args: fetch.args };
  const conversion = convert(converter ? [converter, ...converters] : converters, gives ?? kindOfFetch(call));
  const parts = partsOfFetch(call, nothing);
  const text = parts && conversion && transformed(parts, conversion.transforms);
  if (!text || conversion.kind === "binary") return undefined;
  return { kind: "computed", subject: { type: "text", parts: text }, gives: conversion.kind, operator };
}

/** Its end is no suffix. */
const wholeName = (name: string): string => (name === "req.body_len" ? "req.body_size" : name);

/** Behind an expression: `-m`, `-i` and what is compared with. */
interface MatchFlags {
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
    return test("network", patterns.map(readNetwork));
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
