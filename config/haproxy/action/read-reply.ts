// Words of `return`, `deny`, `tarpit` and `http-error` → what is answered (§4.4 `return`).
import { bodyOfFile, replyOfFile } from "./error-file.ts";
import { escapeFormat } from "./format.ts";
import type { Header, Reply, ReplyPages } from "./reply.ts";
import { hasStandardReply } from "./standard-reply.ts";
import { keywordsOf } from "../keyword-arguments.ts";
import type { NamedFiles } from "../named-files.ts";
import type { Word } from "../split-words.ts";
import { invalid } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";

/** A reply in words, the page that the proxy has for a status, or none: the connection is closed. */
export type ReplyChoice =
  | { readonly kind: "reply"; readonly reply: Reply }
  | { readonly kind: "page"; readonly status: number }
  | { readonly kind: "silence"; readonly status: number };

export interface ReplySources {
  readonly files: NamedFiles;
  /** Pages of `http-errors` sections by the section's name. */
  readonly errorSections: ReadonlyMap<string, ReplyPages>;
}

interface ReadReply {
  status?: number;
  /** What the reply is, unless words for it follow. */
  choice?: (status: number) => ReplyChoice;
  contentType?: string;
  /** A log-format string. */
  body?: string;
  headers: Header[];
}

/** Words from `start` to `end` are the reply's. `deny` and `tarpit` have a page where nothing is said. Throws `StatementProblem`. */
export function readReply(
  statement: Statement,
  [start, end]: readonly [number, number],
  { status: defaultStatus, hasPage }: { readonly status: number; readonly hasPage: boolean },
  sources: ReplySources,
): ReplyChoice {
  // `deny_status` alone asks for the page of another status.
  const isPage = hasPage && wordAt(statement, start) === "deny_status" && start < end;
  const read = readWords(statement, start, end, sources);
  const { contentType, body, headers, choice } = read;
  const status = read.status ?? defaultStatus;
  if (choice) return choice(status);
  if (hasPage && (end === start || (isPage && end === start + 2))) return pageOf(status);
  if (body !== undefined && body !== "" && contentType === undefined) {
    return invalid("a body needs a content-type in front of it");
  }
  return { kind: "reply", reply: { status, ...(body && { contentType, body }), headers } };
}

function readWords(statement: Statement, start: number, end: number, sources: ReplySources): ReadReply {
  const { files } = sources;
  const read: ReadReply = { headers: [] };
  for (const { name, word, argument } of keywordsOf(statement, start, end)) {
    switch (name) {
      case "status":
      case "deny_status":
        read.status = readStatus(argument());
        break;
      case "content-type":
        read.contentType = argument();
        break;
      case "string":
        read.body = escapeFormat(argument());
        break;
      case "lf-string":
        read.body = argument();
        break;
      case "file":
        read.body = escapeFormat(bodyOfFile(argument(), files));
        break;
      case "lf-file":
        read.body = bodyOfFile(argument(), files);
        break;
      case "hdr":
        read.headers.push({ name: argument(), value: argument() });
        break;
      case "errorfile": {
        const reply = replyOfFile(argument(), files);
        read.choice = (status) => (reply ? { kind: "reply", reply } : { kind: "silence", status });
        break;
      }
      case "errorfiles": {
        const section = argument();
        read.choice = (status) => ({ kind: "reply", reply: pageOfSection(section, status, sources) });
        break;
      }
      case "default-errorfiles":
        read.choice = pageOf;
        break;
      default:
        invalid(`unexpected ${JSON.stringify(name)}`, { word });
    }
  }
  return read;
}

function pageOf(status: number): ReplyChoice {
  return hasStandardReply(status)
    ? { kind: "page", status }
    : invalid(`there is no page for the status ${status}`);
}

function pageOfSection(name: string, status: number, sources: ReplySources): Reply {
  return (
    sectionNamed(name, sources).get(status) ??
    invalid(`the http-errors section ${JSON.stringify(name)} has no page for the status ${status}`)
  );
}

/** `word`: where it is named. Throws `StatementProblem`. */
export function sectionNamed(name: string, { errorSections }: ReplySources, word?: Word): ReplyPages {
  return (
    errorSections.get(name) ??
    invalid(`no http-errors section is named ${JSON.stringify(name)}`, {
      word,
      mistyped: { name, known: errorSections.keys() },
    })
  );
}

function readStatus(text: string): number {
  const status = Number(text);
  return /^[0-9]{3}$/.test(text) && status >= 200 && status <= 599
    ? status
    : invalid(`expected a status from 200 to 599; found ${JSON.stringify(text)}`);
}
