// Log-format strings (`https://%[hdr(host)]%[path]`, §8.2.6): what of them is known before a request arrives.
import { knownSample, withSources } from "../condition/known-sample.ts";
import { parseSample } from "../condition/sample.ts";
import { variablesOf } from "../condition/sample-variables.ts";
import { invalid, unsupported } from "../statement-problem.ts";
import type { Situation } from "../program/program.ts";

export type Piece =
  | { readonly kind: "text"; readonly text: string }
  /** A sample expression, or a log variable such as `%ci` with its percent sign. */
  | {
      readonly kind: "dynamic";
      readonly expression: string;
      /** Of the request as it came in, whatever has changed since. */
      readonly isOriginal?: true;
    };

const maxPieces = 256;

/** Throws `StatementProblem`. */
export function parseFormat(text: string): Piece[] {
  const pieces: Piece[] = [];
  let plain = "";
  const flush = (): void => {
    if (plain !== "") pieces.push({ kind: "text", text: plain });
    plain = "";
  };
  for (let index = 0; index < text.length; index += 1) {
    if (text[index] !== "%") {
      plain += text[index];
      continue;
    }
    if (text[index + 1] === "%") {
      plain += "%";
      index += 1;
      continue;
    }
    const found = /^%(?:\{[^}]*\})?(?:\[|[A-Za-z]+)/.exec(text.slice(index, index + 64))?.[0];
    if (found === undefined) invalid("a percent sign is written %% in this argument");
    flush();
    const end = found!.endsWith("[") ? closingBracket(text, index + found!.length) : index + found!.length;
    if (end < 0) invalid("%[ is not closed");
    const expression = found!.endsWith("[") ? text.slice(index + found!.length, end) : found!;
    pieces.push({ kind: "dynamic", expression });
    index = found!.endsWith("[") ? end : end - 1;
    if (pieces.length > maxPieces) unsupported(`more than ${maxPieces} expressions in one argument`);
  }
  flush();
  return pieces;
}

/** The format of a plain text. */
export function escapeFormat(text: string): string {
  return text.replaceAll("%", "%%");
}

/** Index of the `]` that closes; brackets within parentheses are arguments (`regsub([0-9]+,)`). */
function closingBracket(text: string, start: number): number {
  let depth = 0;
  for (let index = start; index < text.length; index += 1) {
    const character = text[index];
    if (character === "\\") index += 1;
    else if (character === "(") depth += 1;
    else if (character === ")") depth -= 1;
    else if (character === "]" && depth <= 0) return index;
  }
  return -1;
}

/** The text with what is known of the request put in, except for expressions that `keep` matches; neighbouring texts are one piece. */
export function resolveFormat(text: string, situation: Situation, keep?: RegExp): Piece[] {
  const resolved: Piece[] = [];
  for (const read of parseFormat(text).flatMap(withoutConcat)) {
    const piece = read.kind === "text" ? read : fromSource(read, situation);
    const { draft } = situation;
    const isOriginal = piece.kind === "dynamic" && piece.isOriginal === true;
    const isKept =
      piece.kind === "dynamic" && keep?.test(piece.expression) && (isOriginal || !draft.changes.has("host"));
    const at = isOriginal ? { ...situation, draft: { ...draft, changes: new Map() } } : situation;
    const known = piece.kind === "text" ? piece.text : isKept ? undefined : knownSample(piece.expression, at);
    const last = resolved.at(-1);
    if (known === undefined) resolved.push(piece);
    else if (last?.kind === "text") resolved[resolved.length - 1] = { kind: "text", text: last.text + known };
    else resolved.push({ kind: "text", text: known });
  }
  return resolved;
}

/** `%r` is three of them, `str(a),concat(b,txn.x,c)` is `a`, `b`, the variable and `c`, one behind the other. */
function withoutConcat(piece: Piece): Piece[] {
  if (piece.kind === "dynamic" && piece.expression === "%r") return parseFormat("%HM %HU %HV");
  const sample = piece.kind === "dynamic" ? parseSample(piece.expression) : undefined;
  const isPlain = sample?.fetch.name === "str" && sample.converters.every(({ name }) => name === "concat");
  if (!sample || !isPlain || sample.converters.length === 0) return [piece];
  const words = (text: string | undefined): Piece[] => (text ? [{ kind: "text", text }] : []);
  return [
    ...words(sample.fetch.args[0]),
    ...sample.converters.flatMap(({ args: [start, variable, end] }): Piece[] => [
      ...words(start),
      ...(variable ? [{ kind: "dynamic" as const, expression: `var(${variable})` }] : []),
      ...words(end),
    ]),
  ];
}

type DynamicPiece = Extract<Piece, { kind: "dynamic" }>;

function fromSource(piece: DynamicPiece, { draft }: Situation): DynamicPiece {
  const sample = parseSample(piece.expression);
  // Other variables in it are what they are here.
  if (sample && variablesOf(sample).length > 1) return piece;
  const expression = withSources(piece.expression, draft.sources);
  return expression === piece.expression ? piece : { kind: "dynamic", expression, isOriginal: true };
}

/** The text, if nothing in it depends on the request. */
export function staticText(text: string, situation: Situation): string | undefined {
  const pieces = resolveFormat(text, situation);
  if (pieces.length === 0) return "";
  const [only] = pieces;
  return pieces.length === 1 && only!.kind === "text" ? only!.text : undefined;
}
