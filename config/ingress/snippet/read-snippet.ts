// `configuration-snippet` and `server-snippet`: the statements whose meaning the model can have, and what is said of the rest.
import { isCidr } from "../../native/address.ts";
import type { Annotations } from "../annotation/annotations.ts";
import { redirectTo } from "../annotation/redirects.ts";
import { literal } from "../../pattern-text.ts";
import type { FilterInput, MatchInput } from "../rule-parts.ts";
import { parseSnippet, type Statement } from "./parse-snippet.ts";
import { readCondition, searched } from "./snippet-condition.ts";
import type {
  SnippetAnswer,
  SnippetContext,
  SnippetFilter,
  SnippetName,
  StatementReader,
} from "./snippet-context.ts";
import { headerReaders } from "./snippet-headers.ts";

export interface Snippet {
  readonly filters: readonly SnippetFilter[];
  /** In order; the first one that holds answers. */
  readonly answers: readonly SnippetAnswer[];
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

const nothing: Snippet = { filters: [], answers: [], allow: [], deny: [] };

export function readSnippet(name: SnippetName, annotations: Annotations): Snippet {
  const text = annotations.text(name);
  if (text === undefined) return nothing;
  const statements = parseSnippet(text);
  if (typeof statements === "string") {
    annotations.invalid(name, `statements of nginx (${statements})`);
    return nothing;
  }
  const context: SnippetContext = {
    name,
    annotations,
    filters: [],
    answers: [],
    allow: [],
    deny: [],
    deniesAll: false,
  };
  for (const statement of statements) readStatement(statement, context);
  if (context.allow.length > 0 && !context.deniesAll) {
    // What nobody forbids is allowed anyway.
    return { ...context, allow: [] };
  }
  return context;
}

/** Statements that tune nginx, its connections or its logs. */
const tuning =
  /^(?:access_log|aio|charset.*|chunked_transfer_encoding|client_(?:body|header)_.*|error_log|etag|fastcgi_.*|gzip.*|http2_.*|ignore_invalid_headers|keepalive_.*|large_client_header_buffers|lingering_.*|log_.*|open_file_cache.*|output_buffers|port_in_redirect|postpone_output|proxy_(?:buffer.*|busy_buffers_size|cache.*|connect_timeout|force_ranges|headers_hash.*|http_version|ignore_.*|max_temp_file_size|no_cache|pass_header|read_timeout|request_buffering|send_lowat|send_timeout|socket_keepalive|ssl_session_reuse|temp_.*)|resolver.*|rewrite_log|send_timeout|sendfile.*|server_tokens|ssl_(?:buffer_size|session_.*)|tcp_.*|types_hash.*|underscores_in_headers|uninitialized_variable_warn)$/;

function readStatement(statement: Statement, context: SnippetContext): void {
  const [directive = "", ...words] = statement.words;
  if (statement.block) return readBlockStatement(statement, context);
  const read = Object.hasOwn(readers, directive) ? readers[directive] : undefined;
  if (read?.(words, context)) return;
  const quoted = JSON.stringify(statement.words.join(" ").slice(0, 80));
  if (!read && tuning.test(directive)) {
    context.annotations.ignored(context.name, `${quoted} tunes how nginx itself runs`);
  } else refuse(quoted, context);
}

function refuse(quoted: string, { name, annotations }: SnippetContext): void {
  annotations.unsupported(
    name,
    `${quoted} is not read, and never run`,
    "Say it with an annotation, or in a native file beside this one.",
  );
}

const readers: Readonly<Record<string, StatementReader>> = {
  ...headerReaders,
  return: (words, context) => addAnswer({}, words, context),
  rewrite: readRewrite,
  allow: (words, context) => addNetwork(words, context.allow, context),
  deny: (words, context) => addNetwork(words, context.deny, context),
};

function addNetwork([network = ""]: readonly string[], list: string[], context: SnippetContext): boolean {
  // Rules go in order; a list of those allowed, and then all others denied, has none.
  if (context.deniesAll) return false;
  if (network === "all") {
    if (list === context.allow) return true;
    context.deniesAll = true;
    if (context.allow.length === 0) list.push("0.0.0.0/0", "::/0");
    return true;
  }
  if (!isCidr(network) || (list === context.deny && context.allow.length > 0)) return false;
  list.push(network);
  return true;
}

function addAnswer(
  condition: Pick<SnippetAnswer, "scheme" | "prefix"> & { readonly match?: MatchInput },
  [code = "", text]: readonly string[],
  context: SnippetContext,
): boolean {
  const filter = answerOf(code, text, context);
  if (!filter) return false;
  context.answers.push({ ...condition, match: condition.match ?? {}, filter });
  return true;
}

function answerOf(
  code: string,
  text: string | undefined,
  { name, annotations }: SnippetContext,
): FilterInput | undefined {
  // `return URL` is a 302.
  if (/^https?:\/\//.test(code)) return redirectTo(code, 302, name, annotations);
  const status = Number(code);
  if (!/^\d{3}$/.test(code) || status < 200 || status > 599) return undefined;
  if ([301, 302, 303, 307, 308].includes(status)) {
    return text === undefined ? undefined : redirectTo(text, status, name, annotations);
  }
  if (text?.includes("$")) return undefined;
  const body = text === undefined ? {} : { body: { inline: text.replaceAll("\\n", "\n") } };
  return { type: "DirectResponse", directResponse: { statusCode: status, ...body } };
}

/** Those that redirect; what is rewritten internally starts nginx's search for a location anew. */
function readRewrite(
  [pattern = "", target = "", flag = ""]: readonly string[],
  context: SnippetContext,
): boolean {
  const statusCode =
    flag === "permanent" ? 301 : flag === "redirect" || /^https?:/.test(target) ? 302 : undefined;
  const value = searched("~", pattern);
  if (statusCode === undefined || value === undefined || /\$(?![1-9])/.test(target)) return false;
  const [, scheme, hostname, path = target] = /^(https?):\/\/([A-Za-z0-9.-]+)(\/.*)?$/.exec(target) ?? [];
  if (!path.startsWith("/") || path.includes("?")) return false;
  const substitution = path.replace(/\\/g, "\\\\").replace(/\$([1-9])/g, "\\$1");
  context.answers.push({
    match: { path: { type: "RegularExpression", value } },
    filter: {
      type: "RequestRedirect",
      requestRedirect: {
        statusCode,
        ...(scheme && { scheme: scheme as "http" | "https", hostname: hostname! }),
        path: {
          type: "ReplaceRegexMatch",
          replaceRegexMatch: { pattern: `^.*?(?:${pattern}).*$`, substitution },
        },
      },
    },
  });
  return true;
}

/** `if (…) { return …; }`, and locations of a server that only answer. */
function readBlockStatement({ words, block = [] }: Statement, context: SnippetContext): void {
  const [directive = "", ...rest] = words;
  const condition =
    directive === "if"
      ? readCondition(rest)
      : directive === "location"
        ? locationMatch(rest, context)
        : undefined;
  // nginx returns before it looks at who is denied; what tunes it changes no answer.
  const said = block.filter((inner) => inner.block || !tuning.test(inner.words[0] ?? ""));
  const returned = said.find((inner) => inner.words[0] === "return");
  const isAnswer = said.every((inner) => inner === returned || inner.words.join(" ") === "deny all");
  if (condition && isAnswer && said.length > 0 && !said.some((inner) => inner.block)) {
    if (addAnswer(condition, returned?.words.slice(1) ?? ["403"], context)) return;
  }
  refuse(JSON.stringify(`${words.join(" ").slice(0, 80)} {…}`), context);
}

/** Exact locations and expressions go before all that Ingresses say; a prefix has its place among them. */
function locationMatch(
  words: readonly string[],
  { name }: SnippetContext,
): Pick<SnippetAnswer, "match" | "prefix"> | undefined {
  const [operator = "", value = ""] = words.length === 1 ? ["", ...words] : words;
  if (name !== "server-snippet" || words.length > 2) return undefined;
  if (operator === "" || operator === "^~") {
    if (!/^\/./.test(value)) return undefined;
    const match: MatchInput = { path: { type: "RegularExpression", value: `${literal(value)}.*` } };
    return { match, prefix: { path: value, beforePatterns: operator === "^~" } };
  }
  if (operator === "=")
    return value.startsWith("/") ? { match: { path: { type: "Exact", value } } } : undefined;
  const pattern = searched(operator, value);
  return pattern === undefined
    ? undefined
    : { match: { path: { type: "RegularExpression", value: pattern } } };
}
