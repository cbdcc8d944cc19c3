// Log-format strings (`https://%[hdr(host)]%[path]`, §8.2.6): what of them is known before a request arrives.
import { convertedText } from "../condition/converters.ts";
import { convertKnown } from "../condition/known-text.ts";
import { captureVariable, parseSample, type Call } from "../condition/sample.ts";
import type { Subject } from "../condition/condition.ts";
import { subjectKey, type Sources } from "../condition/specialize.ts";
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

/** `str(a),concat(b,txn.x,c)` is `a`, `b`, the variable and `c`, one behind the other. */
function withoutConcat(piece: Piece): Piece[] {
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
  const expression = withSources(piece.expression, draft.sources);
  return expression === piece.expression ? piece : { kind: "dynamic", expression, isOriginal: true };
}

/** A variable in front is what it was made of. */
export function withSources(expression: string, sources: Sources): string {
  const found = /^(?:var\(([\w.-]+)\)|capture\.req\.hdr\(([0-9]+)\))/.exec(expression);
  const source = found && sources.get(found[1] ?? captureVariable(found[2]!));
  return found && source !== undefined ? source + expression.slice(found[0].length) : expression;
}

/** The text, if nothing in it depends on the request. */
export function staticText(text: string, situation: Situation): string | undefined {
  const pieces = resolveFormat(text, situation);
  if (pieces.length === 0) return "";
  const [only] = pieces;
  return pieces.length === 1 && only!.kind === "text" ? only!.text : undefined;
}

/** Value of a sample expression that is the same for all requests of the situation. */
export function knownSample(expression: string, situation: Situation): string | undefined {
  const sample = parseSample(expression);
  if (!sample) return undefined;
  const fetched = knownFetch(sample.fetch, situation);
  if (fetched === undefined) return undefined;
  const converters = sample.converters.map((converter) => withKnownVariable(converter, situation));
  const kind = sample.fetch.name === "int" || sample.fetch.name === "bool" ? "number" : "text";
  const whole = convertedText(fetched, converters, kind);
  if (whole !== undefined) return whole;
  let value: string | undefined = fetched;
  for (const converter of converters) {
    if (value === undefined) return undefined;
    value = convertKnown(value, converter);
  }
  return value;
}

/** `concat(<start>,<variable>,<end>)` of a variable that is known is one of a word. */
export function withKnownVariable(converter: Call, situation: Situation): Call {
  const [start = "", variable = "", end = ""] = converter.args;
  if (converter.name !== "concat" || variable === "") return converter;
  const value = knownFetch({ name: "var", args: [variable] }, situation);
  return value === undefined ? converter : { name: "concat", args: [start + value + end] };
}

function knownFetch({ name, args }: Call, { surroundings, draft }: Situation): string | undefined {
  const subject = subjectOf(name, args);
  const key = subject && subjectKey(subject);
  if (key !== undefined && draft.changes.has(key)) {
    const changed = draft.changes.get(key);
    return typeof changed === "object" ? (changed === null ? "" : undefined) : changed;
  }
  const { listener, host } = surroundings;
  switch (name) {
    case "str":
      return args[0] ?? "";
    case "int":
    case "bool":
      return args[0];
    case "ssl_fc":
      return listener.tls ? "1" : "0";
    case "fe_name":
      return surroundings.frontend;
    case "be_name":
      return draft.backend;
    case "dst_port":
      return listener.port === undefined ? undefined : String(listener.port);
    default:
      if (subject?.type === "host" && host.kind === "exact") return host.name;
      return subject?.type === "variable" ? "" : undefined;
  }
}

/** What a fetch looks at that rules may change. */
export function subjectOf(name: string, args: readonly string[]): Subject | undefined {
  const argument = args[0] ?? "";
  if (name === "path") return { type: "path" };
  if (name === "var") return { type: "variable", name: argument };
  if (!/^(?:req\.|req_)?f?hdr$/.test(name)) return undefined;
  return argument.toLowerCase() === "host"
    ? { type: "host", port: true }
    : { type: "header", name: argument.toLowerCase(), elements: false };
}
