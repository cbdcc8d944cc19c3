// `http-check expect` → what an HTTP check asks of its answer.
import { searchedPattern } from "../condition/text-pattern.ts";
import { literal } from "../../pattern-text.ts";
import type { Notes } from "../notes.ts";
import { invalid, unsupported } from "../statement-problem.ts";
import { wordsFrom, type Statement } from "../statement.ts";
import type { CheckTexts } from "./check-texts.ts";
import type { HttpProbe } from "./http-check.ts";
import { linearPattern, toldBy } from "./tcp-check.ts";

type Expectation = NonNullable<HttpProbe["expectations"]>[number];

export function withExpectation(
  probe: HttpProbe,
  statement: Statement,
  texts: CheckTexts,
  notes: Notes,
): HttpProbe {
  const { kind, isNegated, rest } = readMatch(statement, notes);
  const [value = ""] = rest;
  const invert = isNegated ? { invert: true as const } : {};
  const body = (fields: NonNullable<Expectation["body"]>): HttpProbe =>
    add(probe, { body: fields, ...invert });
  switch (kind) {
    case "status":
    case "rstatus": {
      const isWanted = kind === "status" ? inRanges(value) : matching(value);
      const before = new Set(probe.expectedStatuses?.flatMap(statusesOf));
      const wanted = allStatuses.filter((status) => before.has(status) && isWanted(status) !== isNegated);
      return { ...probe, expectedStatuses: rangesOf(wanted) };
    }
    case "string":
    case "string-lf": {
      const text = kind === "string" ? value : texts.format(value);
      const isFirst = !isNegated && probe.expectedBody === undefined;
      return isFirst ? { ...probe, expectedBody: text } : body({ text });
    }
    case "rstring": {
      const pattern = linearPattern(value);
      const isFirst = !isNegated && probe.expectedBodyPattern === undefined;
      return isFirst ? { ...probe, expectedBodyPattern: pattern } : body({ pattern });
    }
    default:
      return add(probe, { header: readHeader(rest, kind === "hdr", texts), ...invert });
  }
}

function add(probe: HttpProbe, expectation: Expectation): HttpProbe {
  return { ...probe, expectations: [...(probe.expectations ?? []), expectation] };
}

interface Match {
  readonly kind: string;
  readonly isNegated: boolean;
  readonly rest: readonly string[];
}

function readMatch(statement: Statement, notes: Notes): Match {
  const words = wordsFrom(statement, 2);
  let index = 0;
  for (; index < words.length; index += 2) {
    const word = words[index]!;
    if (word === "min-recv") {
      const message = "min-recv: an answer is read to its end, or until it has what it must have";
      notes.add(statement, { code: "statement-approximated", message });
    } else if (!toldBy.has(word)) break;
  }
  const isNegated = words[index]?.startsWith("!") ?? false;
  if (words[index] === "!") index += 1;
  const kind = (words[index] ?? "").replace(/^!/, "");
  if (!/^(?:status|rstatus|string|string-lf|rstring|f?hdr)$/.test(kind)) {
    invalid("expected status, rstatus, string, string-lf, rstring, hdr or fhdr");
  }
  return { kind, isNegated, rest: words.slice(index + 1) };
}

/** `name [-m method] X-Test [value [-m method] yes]`. Names compare without regard to case. */
function readHeader(
  words: readonly string[],
  elements: boolean,
  texts: CheckTexts,
): NonNullable<Expectation["header"]> {
  const name = readPart(words, "name", texts);
  if (!name) return invalid("expected `name` and the name of a header");
  const value = readPart(name.rest, "value", texts);
  return {
    namePattern: linearPattern(`(?i)${name.pattern}`),
    ...(value && {
      valuePattern: linearPattern(value.pattern),
      ...(elements && { elements: true as const }),
    }),
  };
}

function readPart(
  [keyword, ...words]: readonly string[],
  wanted: "name" | "value",
  texts: CheckTexts,
): { pattern: string; rest: readonly string[] } | undefined {
  if (keyword === undefined) return undefined;
  if (keyword !== wanted && keyword !== `${wanted}-lf`)
    return invalid(`expected ${wanted}; found ${keyword}`);
  const method = words[0] === "-m" ? words[1] : undefined;
  const [written = "", ...rest] = words.slice(method === undefined ? 0 : 2);
  const text = keyword === wanted ? written : texts.format(written);
  return { pattern: compared(method ?? "str", text), rest };
}

function compared(method: string, text: string): string {
  switch (method) {
    case "str":
      return literal(text);
    case "beg":
      return `${literal(text)}.*`;
    case "end":
      return `.*${literal(text)}`;
    case "sub":
      return `.*${literal(text)}.*`;
    case "reg":
      return searchedPattern(text);
    default:
      return invalid(`expected str, beg, end, sub or reg; found ${JSON.stringify(method)}`);
  }
}

// --- statuses --------------------------------------------------------------------------------------------------------

const allStatuses = Array.from({ length: 500 }, (_, index) => 100 + index);

type Status = NonNullable<HttpProbe["expectedStatuses"]>[number];

function statusesOf(status: Status): number[] {
  const isWithin = inRanges(String(status));
  return allStatuses.filter(isWithin);
}

function rangesOf(statuses: readonly number[]): Status[] {
  const ranges: [number, number][] = [];
  for (const status of statuses) {
    const last = ranges.at(-1);
    if (last?.[1] === status - 1) last[1] = status;
    else ranges.push([status, status]);
  }
  if (ranges.length === 0) return unsupported("no status fulfils all that the check expects", "Remove one.");
  return ranges.map(([first, last]) => (first === last ? first : `${first}-${last}`));
}

/** `200,201,300-310`. */
function inRanges(text: string): (status: number) => boolean {
  const ranges = text.split(",").map((part) => {
    const found = /^([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?$/.exec(part);
    if (!found) return invalid(`expected statuses such as 200-299; found ${JSON.stringify(text)}`);
    return [Number(found[1]), Number(found[2] ?? found[1])] as const;
  });
  return (status) => ranges.some(([first, last]) => status >= first && status <= last);
}

/** Of three digits, so that no expression takes long. */
function matching(source: string): (status: number) => boolean {
  const pattern = new RegExp(linearPattern(source));
  return (status) => pattern.test(String(status));
}
