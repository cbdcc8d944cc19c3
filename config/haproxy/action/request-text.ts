// Log-format strings that depend on the request → texts that the gateway puts together for each.
import type { RequestText } from "#contract/request-text.ts";
import { sampleOf } from "../condition/known-sample.ts";
import { resolveSample } from "../condition/resolve-sample.ts";
import { asOnePart } from "../condition/text-parts.ts";
import type { Situation } from "../program/program.ts";
import { currentSearch } from "../program/target-draft.ts";
import { unsupported } from "../statement-problem.ts";
import { resolveFormat, type Piece } from "./format.ts";

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
      "Build it of static text and the fetches and converters that docs/haproxy.md lists.",
    )
  );
}

function partsOf(
  { expression, isOriginal }: Extract<Piece, { kind: "dynamic" }>,
  situation: Situation,
): RequestText | undefined {
  const { draft } = situation;
  // Its question mark belongs to it.
  if (expression === "%HQ") return currentSearch(draft);
  const sample = sampleOf(expression);
  const at = isOriginal ? { ...situation, draft: { ...draft, changes: new Map() } } : situation;
  const resolved = sample && resolveSample(sample, at);
  // Bytes that are no text would be written in a way that no one reads.
  if (!resolved || resolved.kind === "binary") return undefined;
  return resolved.parts.length === 0 ? [{ text: "" }] : asOnePart(resolved.parts);
}
