// Log-format strings that depend on the request → texts that the gateway puts together for each.
import { patternError } from "#contract/pattern/parse-pattern.ts";
import type { RequestText, TextTransform } from "#contract/request-text.ts";
import { parseSample, type Call } from "../condition/sample.ts";
import type { Changes } from "../condition/specialize.ts";
import type { Draft, Situation } from "../program/program.ts";
import { pathText, queryText } from "../program/target-draft.ts";
import { unsupported } from "../statement-problem.ts";
import { resolveFormat, type Piece } from "./format.ts";

type Part = RequestText[number];

/** More parts than this are no text of a person. */
const maxParts = 32;
const maxTransforms = 4;

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
      "Build it of static text, src, method, path, query, url, hdr(), urlp() and cook(), with lower, upper, field, word, regsub and url_enc.",
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
  { draft }: Situation,
): RequestText | undefined {
  // Its question mark belongs to it.
  if (expression === "%HQ") return draft.changes.has("query") ? undefined : [{ from: "Search" }];
  const sample = parseSample(variables[expression] ?? expression);
  const changes: Changes = isOriginal ? new Map() : draft.changes;
  if (!sample) return undefined;
  const transforms = transformsOf(sample.converters);
  if (!transforms) return undefined;
  const parts = changedParts(sample.fetch.name, changes, draft) ?? partsOfFetch(sample.fetch, changes);
  return parts && transformed(parts, transforms);
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
  return [{ from: "Header", name, ...(isElement && { transforms: [replacement("^.*, *", "")] }) }];
}

function replacement(pattern: string, substitution: string): TextTransform {
  return { type: "ReplaceRegexMatch", replaceRegexMatch: { pattern, substitution } };
}

/** `undefined`: one of them is not known here. */
function transformsOf(converters: readonly Call[]): TextTransform[] | undefined {
  const transforms: TextTransform[] = [];
  for (const converter of converters) {
    const transform = transformOf(converter);
    if (!transform) return undefined;
    transforms.push(transform);
  }
  return transforms;
}

function transformOf({ name, args }: Call): TextTransform | undefined {
  switch (name) {
    case "lower":
      return { type: "Lower" };
    case "upper":
      return { type: "Upper" };
    case "url_enc":
      return args.length === 0 || args[0] === "query" ? { type: "URLEncode" } : undefined;
    case "host_only":
      return replacement(":[0-9]*$", "");
    case "field":
    case "word":
      return args.length === 2 ? partOfText(name, Number(args[0]), args[1]!) : undefined;
    case "regsub":
      return regsub(args);
    default:
      return undefined;
  }
}

function partOfText(name: "field" | "word", position: number, delimiters: string): TextTransform | undefined {
  if (!Number.isInteger(position) || position < 1 || position > 16 || delimiters === "") return undefined;
  const set = delimiters.replace(/[\\\]^-]/g, "\\$&");
  const [start, step, part] =
    name === "field"
      ? ["", `[^${set}]*[${set}]`, `[^${set}]*`]
      : [`[${set}]*`, `[^${set}]+[${set}]+`, `[^${set}]+`];
  const before = position > 1 ? `(?:${step}){${position - 1}}` : "";
  // Where there is no such part, nothing is left.
  return replacement(`^(?:${start}${before}(${part}).*|.*)$`, "\\1");
}

/** Without the flag `g`, the first occurrence alone is replaced. */
function regsub([regex = "", substitution = "", flags = ""]: readonly string[]): TextTransform | undefined {
  if (!/^[gi]*$/.test(flags) || regex === "") return undefined;
  const fold = flags.includes("i") ? "(?i)" : "";
  const isAnchored = !regex.includes("|") && (regex.startsWith("^") || /[^\\]\$$/.test(regex));
  const transform =
    flags.includes("g") || isAnchored
      ? replacement(fold + regex, substitution)
      : firstOnly(regex, substitution, fold);
  if (!transform || transform.type !== "ReplaceRegexMatch") return undefined;
  return patternError(transform.replaceRegexMatch.pattern) === undefined ? transform : undefined;
}

/** The whole text at once: what stands in front of the first occurrence, and what behind it, are groups of their own. */
function firstOnly(regex: string, substitution: string, fold: string): TextTransform | undefined {
  const groups = [
    ...regex
      .replace(/\\./g, "")
      .replace(/\[[^\]]*\]/g, "")
      .matchAll(/\((?!\?)/g),
  ].length;
  if (groups > 7) return undefined;
  const shifted = substitution.replace(/\\([1-9])/g, (_, group: string) => `\\${Number(group) + 1}`);
  if (/\\0/.test(substitution)) return undefined;
  return replacement(`${fold}^(.*?)(?:${regex})(.*)$`, `\\1${shifted}\\${groups + 2}`);
}
