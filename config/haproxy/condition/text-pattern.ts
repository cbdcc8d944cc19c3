// HAProxy's ways to compare text, written as regular expressions that match the whole text.
import { literal } from "../../pattern-text.ts";
import type { Operator, Subject } from "./condition.ts";

/** How the text is divided: one whole, or elements between commas, each of which is compared (`req.hdr`). */
export type Division = "whole" | "elements";

export function isDivided(subject: Subject): boolean {
  return (subject.type === "header" || subject.type === "response-header") && subject.elements;
}

/** An expression for the texts that compare with `value`. */
export function wholePattern(operator: Operator, value: string, division: Division): string {
  const begin = starts[division];
  const end = ends[division];
  switch (operator) {
    case "prefix":
      return `${begin("")}${literal(value)}.*`;
    case "suffix":
      return `.*${literal(value)}${end("")}`;
    case "contains":
      return `.*${literal(value)}.*`;
    // Whole parts between delimiters; those around the value are ignored (pat_match_dir, pat_match_dom).
    case "segment":
      return `${begin("/?")}${literal(value.replace(/^[/?]+|[/?]+$/g, ""))}${end("/?")}`;
    case "label":
      return `${begin("/?.:")}${literal(value.replace(/^[/?.:]+|[/?.:]+$/g, ""))}${end("/?.:")}`;
    case "regex":
      return searchedPattern(value, begin(""), end(""));
    default:
      return `${begin("")}${literal(value)}${end("")}`;
  }
}

/** What may stand in front of a text that begins at a delimiter, or where the whole or an element does. */
const starts: Readonly<Record<Division, (delimiters: string) => string>> = {
  whole: (delimiters) => (delimiters === "" ? "" : `(?:.*[${delimiters}])?`),
  elements: (delimiters) => (delimiters === "" ? "(?:.*,[ \\t]*)?" : `(?:.*(?:[${delimiters}]|,[ \\t]*))?`),
};

/** The same for what may follow. */
const ends: Readonly<Record<Division, (delimiters: string) => string>> = {
  whole: (delimiters) => (delimiters === "" ? "" : `(?:[${delimiters}].*)?`),
  elements: (delimiters) => (delimiters === "" ? "(?:[ \\t]*,.*)?" : `(?:(?:[${delimiters}]|[ \\t]*,).*)?`),
};

/**
 * HAProxy searches; patterns here match the whole text. `begin` and `end` stand for the anchors, `any` for what is around what is
 * searched for.
 */
export function searchedPattern(source: string, begin = "", end = "", any = ".*"): string {
  // A choice at the top, or within a group, which does no harm here.
  if (source.includes("|") || source.endsWith("\\")) return `${any}(?:${source})${any}`;
  const open = source.startsWith("^") ? `${begin}${source.slice(1)}` : `${any}${source}`;
  return /(?:^|[^\\])(?:\\\\)*\$$/.test(source) ? `${open.slice(0, -1)}${end}` : `${open}${any}`;
}

/** `field(n,delimiters)` (empty ones count) and `word` (runs of delimiters count as one); negative: from the end. */
export interface TextPart {
  readonly position: number;
  readonly delimiters: string;
  readonly isWord: boolean;
}

/** An expression to be searched for; it compares one part of a text. */
export function partPattern(
  { position, delimiters, isWord }: TextPart,
  operator: Operator,
  value: string,
  division: Division,
): string | undefined {
  const set = delimiters.replace(/[\\\]^[-]/g, "\\$&");
  const other = division === "elements" ? `[^,${set}]` : `[^${set}]`;
  const text = compared(operator, literal(value), other);
  if (text === undefined) return undefined;
  const [skipped, between, edge] = isWord
    ? [`${other}+`, `[${set}]+`, `[${set}]*`]
    : [`${other}*`, `[${set}]`, ""];
  const others = Math.abs(position) - 1;
  const rest = division === "elements" ? "[^,]*" : ".*";
  return position > 0
    ? `^${edge}(?:${skipped}${between}){${others}}${text}(?:[${set}]${rest})?$`
    : `^(?:${rest}[${set}])?${text}(?:${between}${skipped}){${others}}${edge}$`;
}

function compared(operator: Operator, text: string, other: string): string | undefined {
  switch (operator) {
    case "exact":
      return text;
    case "prefix":
      return `${text}${other}*`;
    case "suffix":
      return `${other}*${text}`;
    case "contains":
      return `${other}*${text}${other}*`;
    default:
      return undefined;
  }
}

/** `path,field(n,/)`: an expression to be searched for; it compares the element of the path after `before` others. */
export function elementPattern(before: number, operator: Operator, value: string): string | undefined {
  const element = compared(operator, literal(value), "[^/]");
  if (element === undefined) return undefined;
  const skipped = before === 0 ? "" : `(?:[^/]*/){${before}}`;
  return `^/${skipped}${element}(/.*)?$`;
}
