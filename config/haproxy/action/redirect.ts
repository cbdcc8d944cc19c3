// `redirect` and `http-request redirect`: by scheme, prefix or location.
import { preciseHostnameSchema, type PathModifier } from "#contract/http-route.ts";
import type { RequestText } from "#contract/request-text.ts";
import type { TextTransform } from "#contract/text-transform.ts";
import { keywordsOf } from "../keyword-arguments.ts";
import type { Filter, Situation } from "../program/program.ts";
import { invalid, unsupported } from "../statement-problem.ts";
import type { Statement } from "../statement.ts";
import { currentTarget, pathText } from "../program/target-draft.ts";
import { resolveFormat, staticText, type Piece } from "./format.ts";
import { requestText, textOfPieces } from "./request-text.ts";
import { transformed } from "../condition/text-parts.ts";

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
): (situation: Situation) => Filter[] {
  const options = readOptions(statement, start, end);
  return (situation) => [redirectFilter(options, situation)];
}

/** The same of a response that is replaced: its Location cannot be put together from what the request was. */
export function redirectWords(
  statement: Statement,
  start: number,
  end: number,
): (situation: Situation) => Omit<DirectResponse, "bodyFrom"> {
  const options = readOptions(statement, start, end);
  return (situation) => {
    const { kind, target, code } = options;
    const location = kind === "location" ? staticText(target, situation) : undefined;
    if (location === undefined) {
      return unsupported(
        "responses are redirected to a location that is the same for all requests",
        "Write `location` with a fixed URL.",
      );
    }
    return { statusCode: code, header: { set: staticHeaders(location, options) } };
  };
}

function readOptions(statement: Statement, start: number, end: number): Options {
  let options: Partial<Options> = {};
  for (const { name, word, argument } of keywordsOf(statement, start, end)) {
    switch (name) {
      case "scheme":
      case "prefix":
      case "location":
        options = { ...options, kind: name, target: argument() };
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
        invalid(`unexpected ${JSON.stringify(name)}`, { word });
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

function redirectFilter(options: Options, situation: Situation): Filter {
  const { kind, target, code, cookie, dropsQuery } = options;
  const pieces = resolveFormat(target, situation, ownHost);
  const only = pieces[0];
  if (kind === "location" && pieces.length === 1 && only?.kind === "text") {
    return staticLocation(only.text, options);
  }
  const isChanged = ["path", "query", "host"].some((part) => situation.draft.changes.has(part));
  const simple = isChanged || cookie !== undefined || dropsQuery ? undefined : simpleTarget(pieces, options);
  if (simple) return { type: "RequestRedirect", requestRedirect: { ...simple, statusCode: code } };
  const location = locationText(pieces, options, situation) ?? tooDynamic();
  if (cookie === undefined) {
    return { type: "RequestRedirect", requestRedirect: { location, statusCode: code } };
  }
  return {
    type: "DirectResponse",
    directResponse: {
      statusCode: code,
      headersFrom: [{ name: "Location", parts: location }],
      header: { set: [{ name: "Set-Cookie", value: cookie }] },
    },
  };
}

/** What goes without texts of its own: the query stays, and nothing in front was changed. */
function simpleTarget(pieces: readonly Piece[], options: Options): Target | undefined {
  // The port that the Host has stays.
  if (options.kind === "scheme") return undefined;
  return readTarget(options.kind === "prefix" ? withoutSlash(pieces) : pieces, options);
}

/** The whole Location (http_ana.c `http_apply_redirect_rule`). */
function locationText(
  pieces: readonly Piece[],
  { kind, dropsQuery, appendsSlash }: Options,
  situation: Situation,
): RequestText | undefined {
  const { draft } = situation;
  const own = textOfPieces(kind === "prefix" ? withoutSlash(pieces) : pieces, situation);
  if (!own || kind === "location") return own;
  const host: RequestText | undefined = draft.changes.has("host")
    ? requestText("%[hdr(host)]", situation)
    : [{ from: "Host" }];
  const target = dropsQuery ? pathText(draft) : currentTarget(draft);
  const slashed = target && appendsSlash ? transformed(target, [trailingSlash]) : target;
  if (!slashed || !host) return undefined;
  return kind === "scheme" ? [...withText(own, "://"), ...host, ...slashed] : [...own, ...slashed];
}

function withText(parts: RequestText, text: string): RequestText {
  const last = parts.at(-1);
  return last?.text === undefined
    ? [...parts, { text }]
    : [...parts.slice(0, -1), { text: last.text + text }];
}

const trailingSlash: TextTransform = {
  type: "ReplaceRegexMatch",
  replaceRegexMatch: { pattern: "([^/])$", substitution: "\\1/" },
};

/** The prefix `/` stands for nothing (§4.2 `redirect`). */
function withoutSlash(pieces: readonly Piece[]): readonly Piece[] {
  const [only] = pieces;
  return pieces.length === 1 && only?.kind === "text" && only.text === "/" ? [] : pieces;
}

function staticLocation(location: string, options: Options): Filter {
  const header = { set: staticHeaders(location, options) };
  return { type: "DirectResponse", directResponse: { statusCode: options.code, header } };
}

function staticHeaders(location: string, { cookie }: Options): { name: string; value: string }[] {
  const set = [{ name: "Location", value: location }];
  if (cookie !== undefined) set.push({ name: "Set-Cookie", value: cookie });
  return set;
}

type DirectResponse = Extract<Filter, { type: "DirectResponse" }>["directResponse"];

interface Target {
  readonly scheme?: "http" | "https";
  readonly hostname?: string;
  readonly port?: number;
  readonly path?: PathModifier;
}

/** Expressions for the request's own path and query. */
const ownTarget = /^%\[(?:capture\.req\.uri|url|pathq|%HU|path\]\?%\[query)\]$/;
const ownHost = /^(?:req\.)?f?hdr\(host\)(?:,lower|,host_only|,field\(1,:\))*$/i;
/** Without the port that the client may have sent. */
const ownHostname = /,host_only|,field\(1,:\)/i;

/** `https://%[hdr(host)]%[url]` and the like: what of it is the request's own. */
function readTarget(pieces: readonly Piece[], { kind, appendsSlash }: Options): Target | undefined {
  const split = splitAuthority(pieces);
  if (!split || appendsSlash) return undefined;
  const { authority, rest } = split;
  const [first, ...others] = rest;
  const base = first?.kind === "text" ? first.text : "";
  if (/[?#\s]/.test(base)) return undefined;
  const own = first?.kind === "text" ? others : rest;
  const text = own.map((piece) => (piece.kind === "text" ? piece.text : `%[${piece.expression}]`)).join("");
  if (kind === "prefix" ? own.length > 0 : !ownTarget.test(text)) return undefined;
  const path = pathModifier(base);
  return { ...authority, ...(path && { path }) };
}

/** Scheme and host in front, if any: static, or the request's own host, which is what a redirect leaves out. */
function splitAuthority(pieces: readonly Piece[]): { authority: Target; rest: readonly Piece[] } | undefined {
  const [first, second, ...others] = pieces;
  const text = first?.kind === "text" ? first.text : "";
  const found = /^(https?):\/\/([^/]*)/.exec(text);
  if (!found) {
    // Nothing, or a path.
    return /^(?:\/(?!\/)|$)/.test(text) ? { authority: {}, rest: pieces } : undefined;
  }
  const scheme = found[1] as "http" | "https";
  const host = found[2]!;
  if (host === "") {
    const isOwn =
      second?.kind === "dynamic" &&
      ownHost.test(second.expression) &&
      ownHostname.test(second.expression) &&
      text === found[0];
    return isOwn ? { authority: { scheme }, rest: others } : undefined;
  }
  const named = /^([A-Za-z0-9.-]+)(?::([0-9]{1,5}))?$/.exec(host);
  if (!named || !preciseHostnameSchema.safeParse(named[1]).success) return undefined;
  const path = text.slice(found[0].length);
  const authority = {
    scheme,
    hostname: named[1]!,
    ...(named[2] !== undefined && { port: Number(named[2]) }),
  };
  const rest: Piece[] = path === "" ? [] : [{ kind: "text", text: path }];
  return { authority, rest: [...rest, ...pieces.slice(1)] };
}

function pathModifier(text: string): PathModifier | undefined {
  const base = text.replace(/\/$/, "");
  if (base === "") return undefined;
  return { type: "ReplaceRegexMatch", replaceRegexMatch: { pattern: "^/", substitution: `${base}/` } };
}

function tooDynamic(): never {
  return unsupported(
    "the location depends on the request in a way that cannot be translated",
    "Build it of static text, hdr(), src, path, query, url, urlp() and cook(), with lower, upper, field, word, regsub and url_enc.",
  );
}
