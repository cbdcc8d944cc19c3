// Log-format strings that depend on the request → texts that the gateway puts together for each.
import type { RequestText } from "#contract/request-text.ts";
import { convert } from "../condition/converters.ts";
import { kindOfFetch, partsOfFetch, transformed } from "../condition/request-parts.ts";
import { parseSample, type Call } from "../condition/sample.ts";
import { subjectKey, type Changes } from "../condition/specialize.ts";
import type { Situation } from "../program/program.ts";
import { unsupported } from "../statement-problem.ts";
import { resolveFormat, subjectOf, withKnownVariable, type Piece } from "./format.ts";

/** More parts than this are no text of a person. */
const maxParts = 32;

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
  const converted = convert(converters, kindOfFetch(sample.fetch));
  // Bytes that are no text would be written in a way that no one reads.
  if (!converted || converted.kind === "binary") return undefined;
  const parts = changedParts(sample.fetch, changes) ?? partsOfFetch(sample.fetch, changes);
  return parts && transformed(parts, converted.transforms);
}

/** What earlier rules have made of a part of the request, or of a variable. */
function changedParts({ name, args }: Call, changes: Changes): RequestText | undefined {
  const subject = subjectOf(name, args);
  const change = name === "query" ? changes.get("query") : subject && changes.get(subjectKey(subject));
  // Of a list, the last element would be told.
  const isList = change !== undefined && /^(?:req\.|req_)?hdr$/.test(name);
  return typeof change === "object" && change && !isList ? change.parts : undefined;
}
