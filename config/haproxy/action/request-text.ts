// Log-format strings that depend on the request → texts that the gateway puts together for each.
import type { RequestText } from "#contract/request-text.ts";
import type { TextTransform } from "#contract/text-transform.ts";
import { parseSample, type Call } from "../condition/sample.ts";
import type { Changes } from "../condition/specialize.ts";
import type { Draft, Situation } from "../program/program.ts";
import { pathText, queryText } from "../program/target-draft.ts";
import { unsupported } from "../statement-problem.ts";
import { convert, type SampleKind } from "./converters.ts";
import { resolveFormat, withKnownVariable, type Piece } from "./format.ts";

type Part = RequestText[number];

/** More parts than this are no text of a person. */
const maxParts = 32;
const maxTransforms = 8;

/** `undefined`: something in it cannot be had here. Throws `StatementProblem`. */
export function requestText(format: string, situation: Situation): RequestText | undefined {
  return textOfPieces(resolveFormat(format, situation), situation);
}

export function textOfPieces(pieces: readonly Piece[], situation: Situation): RequestText | undefined {
  const parts: RequestText = [];
  for (const piece of pieces) {
    const found = piece.kind === "text" ? [{ text: piece.text }] : partsOf(piece, situation);
    if (!found) return undefined;
    parts.push(...found);
  }
  return parts.length <= maxParts ? parts : undefined;
}

/** The same in words that users are told. */
export function requestTextOrProblem(format: string, situation: Situation, what: string): RequestText {
  return (
    requestText(format, situation) ??
    unsupported(
      `${what} depends on the request in a way that cannot be translated`,
      "Build it of static text, src, method, path, query, url, base, hdr(), urlp() and cook(), with the converters that docs/haproxy.md lists.",
    )
  );
}

/** Log variables (§8.2.6) as the expressions that they stand for. */
const variables: Readonly<Record<string, string>> = {
  "%ci": "src",
  "%HM": "method",
  "%HP": "path",
  "%HPO": "path",
  "%HU": "url",
};

/** Fetches of the whole request by what they tell, and what an earlier rule may have changed of it. */
const facts: Readonly<
  Record<string, readonly [from: NonNullable<Part["from"]>, changedBy: readonly string[]]>
> = {
  src: ["ClientIP", []],
  method: ["Method", []],
  "capture.req.method": ["Method", []],
  path: ["Path", ["path"]],
  query: ["Query", ["query"]],
  url: ["Target", ["path", "query"]],
  pathq: ["Target", ["path", "query"]],
  "capture.req.uri": ["Target", []],
};

function partsOf(
  { expression, isOriginal }: Extract<Piece, { kind: "dynamic" }>,
  situation: Situation,
): RequestText | undefined {
  const { draft } = situation;
  // Its question mark belongs to it.
  if (expression === "%HQ") return draft.changes.has("query") ? undefined : [{ from: "Search" }];
  const sample = parseSample(variables[expression] ?? expression);
  const changes: Changes = isOriginal ? new Map() : draft.changes;
  if (!sample) return undefined;
  const converters = sample.converters.map((converter) => withKnownVariable(converter, situation));
  const converted = convert(converters, kindOf(sample.fetch));
  // Bytes that are no text would be written in a way that no one reads.
  if (!converted || converted.kind === "binary") return undefined;
  const parts = changedParts(sample.fetch.name, changes, draft) ?? partsOfFetch(sample.fetch, changes);
  return parts && transformed(parts, converted.transforms);
}

function kindOf({ name }: Call): SampleKind {
  return name === "src" ? "address" : "text";
}

/** What earlier rules have made of the path or the query. */
function changedParts(fetch: string, changes: Changes, draft: Draft): RequestText | undefined {
  if (fetch === "path" && changes.has("path")) return pathText(draft);
  return fetch === "query" && changes.has("query") ? queryText(draft) : undefined;
}

/** `undefined`: what several parts come to cannot be transformed. */
export function transformed(
  parts: RequestText,
  transforms: readonly TextTransform[],
): RequestText | undefined {
  if (transforms.length === 0) return parts;
  const [only, ...others] = parts;
  if (!only || only.from === undefined || others.length > 0) return undefined;
  const all = [...(only.transforms ?? []), ...transforms];
  return all.length <= maxTransforms ? [{ ...only, transforms: all }] : undefined;
}

function partsOfFetch({ name, args }: Call, changes: Changes): RequestText | undefined {
  const fact = facts[name];
  if (name === "base")
    return changes.has("host") || changes.has("path") ? undefined : [{ from: "Host" }, { from: "Path" }];
  if (fact) return fact[1].some((key) => changes.has(key)) ? undefined : [{ from: fact[0] }];
  const [argument] = args;
  if (argument === undefined || args.length > 1) return undefined;
  switch (name.replace(/^req[._]/, "")) {
    case "hdr":
    case "fhdr":
      return headerParts(argument.toLowerCase(), !name.endsWith("fhdr"), changes);
    case "urlp":
    case "url_param":
      return changes.has("query") ? undefined : [{ from: "QueryParam", name: argument }];
    case "cook":
      return changes.has("header:cookie") ? undefined : [{ from: "Cookie", name: argument }];
    default:
      return undefined;
  }
}

/** `hdr` is the last element of a list (§7.3.6). */
function headerParts(name: string, isElement: boolean, changes: Changes): RequestText | undefined {
  if (name === "host") return changes.has("host") ? undefined : [{ from: "Host" }];
  if (changes.has(`header:${name}`)) return undefined;
  return [{ from: "Header", name, ...(isElement && { transforms: [lastElement] }) }];
}

const lastElement: TextTransform = {
  type: "ReplaceRegexMatch",
  replaceRegexMatch: { pattern: "^.*, *", substitution: "" },
};
