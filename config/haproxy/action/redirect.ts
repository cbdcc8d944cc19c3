// `redirect` and `http-request redirect`: by scheme, prefix or location.
import type { PathModifier } from "#contract/http-route.ts";
import type { Notes } from "../notes.ts";
import type { Filter, Situation } from "../program/program.ts";
import { invalid, unsupported } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";
import { resolveFormat, type Piece } from "./format.ts";

const codes = [301, 302, 303, 307, 308] as const;
type Code = (typeof codes)[number];

interface Options {
  readonly kind: "scheme" | "prefix" | "location";
  readonly target: string;
  readonly code: Code;
  readonly dropsQuery: boolean;
  readonly appendsSlash: boolean;
  readonly cookie?: string;
}

/** Words from `start` to `end` are the redirect's own. Throws `StatementProblem`. */
export function redirectAction(
  statement: Statement,
  start: number,
  end: number,
  notes: Notes,
): (situation: Situation) => Filter[] {
  const options = readOptions(statement, start, end);
  return (situation) => [redirectFilter(options, statement, situation, notes)];
}

function readOptions(statement: Statement, start: number, end: number): Options {
  let options: Partial<Options> = {};
  for (let index = start; index < end; index += 1) {
    const word = wordAt(statement, index);
    const argument = (): string => {
      index += 1;
      return index < end ? wordAt(statement, index) : invalid(`${word} needs an argument`);
    };
    switch (word) {
      case "scheme":
      case "prefix":
      case "location":
        options = { ...options, kind: word, target: argument() };
        break;
      case "code":
        options = { ...options, code: readCode(argument()) };
        break;
      case "drop-query":
        options = { ...options, dropsQuery: true };
        break;
      case "append-slash":
        options = { ...options, appendsSlash: true };
        break;
      case "set-cookie":
        options = { ...options, cookie: `${argument()}; path=/;` };
        break;
      case "clear-cookie":
        options = { ...options, cookie: `${argument()}; path=/; Max-Age=0;` };
        break;
      case "ignore-empty":
      case "keep-query":
        break;
      default:
        invalid(`unexpected ${JSON.stringify(word)}`, { word: statement.words[index] });
    }
  }
  const { kind, target, code = 302, dropsQuery = false, appendsSlash = false, cookie } = options;
  if (kind === undefined || target === undefined) return invalid("expected scheme, prefix or location");
  return { kind, target, code, dropsQuery, appendsSlash, ...(cookie !== undefined && { cookie }) };
}

function readCode(text: string): Code {
  return (
    codes.find((code) => String(code) === text) ??
    invalid(`expected 301, 302, 303, 307 or 308; found ${text}`)
  );
}

function redirectFilter(options: Options, statement: Statement, situation: Situation, notes: Notes): Filter {
  const pieces = resolveFormat(options.target, situation, ownHost);
  const only = pieces[0];
  if (options.kind === "scheme") {
    if (pieces.length !== 1 || only?.kind !== "text" || (only.text !== "http" && only.text !== "https")) {
      return invalid("expected http or https");
    }
    warnOfLosses(options, options.dropsQuery, statement, notes);
    return { type: "RequestRedirect", requestRedirect: { scheme: only.text, statusCode: options.code } };
  }
  if (options.kind === "location" && pieces.length === 1 && only?.kind === "text") {
    return staticLocation(only.text, options);
  }
  const { keepsQuery, ...target } = readTarget(
    options.kind === "prefix" ? withoutSlash(pieces) : pieces,
    options,
  );
  warnOfLosses(options, !keepsQuery, statement, notes);
  return { type: "RequestRedirect", requestRedirect: { ...target, statusCode: options.code } };
}

/** The prefix `/` stands for nothing (§4.2 `redirect`). */
function withoutSlash(pieces: readonly Piece[]): readonly Piece[] {
  const [only] = pieces;
  return pieces.length === 1 && only?.kind === "text" && only.text === "/" ? [] : pieces;
}

function staticLocation(location: string, { code, cookie }: Options): Filter {
  const set = [{ name: "Location", value: location }];
  if (cookie !== undefined) set.push({ name: "Set-Cookie", value: cookie });
  return { type: "DirectResponse", directResponse: { statusCode: code, header: { set } } };
}

interface Target {
  readonly scheme?: "http" | "https";
  readonly hostname?: string;
  readonly port?: number;
  readonly path?: PathModifier;
  readonly keepsQuery: boolean;
}

/** Expressions for the request's own path and query. */
const ownTarget = /^%\[(?:capture\.req\.uri|url|pathq|%HU|path\]\?%\[query)\]$/;
const ownHost = /^(?:req\.)?f?hdr\(host\)(?:,lower|,host_only|,field\(1,:\))*$/i;

/** `https://%[hdr(host)]%[url]` and the like: what of it is the request's own. */
function readTarget(pieces: readonly Piece[], options: Options): Target {
  const { authority, rest } = splitAuthority(pieces);
  const [first, ...others] = rest;
  const base = first?.kind === "text" ? first.text : "";
  const own = first?.kind === "text" ? others : rest;
  if (options.kind === "prefix") {
    if (own.length > 0) tooDynamic();
    const path = pathModifier(base, options.appendsSlash);
    return { ...authority, ...(path && { path }), keepsQuery: !options.dropsQuery };
  }
  if (own.length === 0) {
    return {
      ...authority,
      path: { type: "ReplaceFullPath", replaceFullPath: base || "/" },
      keepsQuery: false,
    };
  }
  const text = own.map((piece) => (piece.kind === "text" ? piece.text : `%[${piece.expression}]`)).join("");
  if (!ownTarget.test(text) && text !== "%[path]") tooDynamic();
  const path = pathModifier(base, options.appendsSlash);
  return { ...authority, ...(path && { path }), keepsQuery: text !== "%[path]" };
}

/** Scheme and host in front, if any: static, or the request's own host, which is what a redirect leaves out. */
function splitAuthority(pieces: readonly Piece[]): {
  authority: Omit<Target, "keepsQuery">;
  rest: readonly Piece[];
} {
  const [first, second, ...others] = pieces;
  const text = first?.kind === "text" ? first.text : "";
  const found = /^(https?):\/\/([^/]*)/.exec(text);
  if (!found) {
    if (/^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(text))
      unsupported("only http and https are possible as schemes");
    return { authority: {}, rest: pieces };
  }
  const scheme = found[1] as "http" | "https";
  const host = found[2]!;
  if (host === "") {
    if (second?.kind !== "dynamic" || !ownHost.test(second.expression) || text !== found[0]) tooDynamic();
    return { authority: { scheme }, rest: others };
  }
  const named = /^([A-Za-z0-9.-]+)(?::([0-9]{1,5}))?$/.exec(host);
  if (!named) return unsupported(`${JSON.stringify(host)} is no host name`);
  const path = text.slice(found[0].length);
  const authority = {
    scheme,
    hostname: named[1]!,
    ...(named[2] !== undefined && { port: Number(named[2]) }),
  };
  const rest: Piece[] = path === "" ? [] : [{ kind: "text", text: path }];
  return { authority, rest: [...rest, ...pieces.slice(1)] };
}

function pathModifier(text: string, appendsSlash: boolean): PathModifier | undefined {
  const base = text.replace(/\/$/, "");
  if (appendsSlash) {
    return {
      type: "ReplaceRegexMatch",
      replaceRegexMatch: { pattern: "^(.*?)/?$", substitution: `${base}\\1/` },
    };
  }
  if (base === "") return undefined;
  return { type: "ReplaceRegexMatch", replaceRegexMatch: { pattern: "^/", substitution: `${base}/` } };
}

function tooDynamic(): never {
  return unsupported(
    "the location depends on the request in a way that cannot be translated",
    "Build it of static text, %[hdr(host)] and %[url].",
  );
}

function warnOfLosses({ cookie }: Options, losesQuery: boolean, statement: Statement, notes: Notes): void {
  if (losesQuery) {
    const message = "the request's query stays in the new location";
    notes.add(statement, { code: "statement-approximated", message });
  }
  if (cookie !== undefined) {
    const message = "the cookie is not set: only redirects to a static location can";
    notes.add(statement, { code: "statement-ignored", message });
  }
}
