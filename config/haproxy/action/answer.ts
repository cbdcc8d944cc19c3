// `return`, `deny`, `tarpit` and `reject`: requests that end here.
import type { Filter, Situation } from "../program/program.ts";
import { invalid, unsupported } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";
import type { RequestText } from "#contract/request-text.ts";
import { staticText } from "./format.ts";
import { requestTextOrProblem } from "./request-text.ts";

interface Header {
  readonly name: string;
  readonly value: string;
}

interface Answer {
  readonly status: number;
  readonly contentType?: string;
  readonly body?: string;
  readonly headers: readonly Header[];
}

/** What HAProxy answers unless told otherwise: reason and text by status (http.c). */
const standard: Readonly<Record<number, readonly [reason: string, text: string]>> = {
  200: ["OK", "Service ready."],
  400: ["Bad request", "Your browser sent an invalid request."],
  401: ["Unauthorized", "You need a valid user and password to access this content."],
  403: ["Forbidden", "Request forbidden by administrative rules."],
  404: ["Not Found", "The resource could not be found."],
  405: [
    "Method Not Allowed",
    "A request was made of a resource using a request method not supported by that resource",
  ],
  408: ["Request Time-out", "Your browser didn't send a complete request in time."],
  410: ["Gone", "The resource is no longer available and will not be available again."],
  413: ["Payload Too Large", "The request entity exceeds the maximum allowed."],
  425: ["Too Early", "Your browser sent early data."],
  429: ["Too Many Requests", "You have sent too many requests in a given amount of time."],
  500: ["Internal Server Error", "An internal server error occurred."],
  501: ["Not Implemented", "The server does not support the functionality required to fulfill the request."],
  502: ["Bad Gateway", "The server returned an invalid or incomplete response."],
  503: ["Service Unavailable", "No server is available to handle this request."],
  504: ["Gateway Time-out", "The server didn't respond in time."],
};

/** The page that HAProxy has for a status; the one of 500 for others. */
export function standardAnswer(status: number): Filter {
  const [reason, text] = standard[status] ?? standard[500]!;
  return toFilter({
    status,
    contentType: "text/html",
    body: `<html><body><h1>${standard[status] ? status : 500} ${reason}</h1>\n${text}\n</body></html>\n`,
    headers: status === 200 ? [] : [{ name: "Cache-Control", value: "no-cache" }],
  });
}

/** Words from `start` to `end` are the action's own. Throws `StatementProblem`. */
export function answerAction(
  statement: Statement,
  start: number,
  end: number,
  defaultStatus: number,
): (situation: Situation) => Filter[] {
  const read = readAnswer(statement, start, end);
  const { contentType, body, headers } = read;
  const status = read.status ?? defaultStatus;
  const isReturn = defaultStatus === 200;
  return (situation) => {
    // `return` without a word on the body has none; refusals have the page of their status.
    if (body === undefined && headers.length === 0 && !isReturn) return [standardAnswer(status)];
    const made = headers.map(({ name, value }) => ({ name, value: textOf(value, situation) }));
    const text = body === undefined ? undefined : textOf(body, situation);
    const set = made.flatMap(({ name, value }) => (typeof value === "string" ? [{ name, value }] : []));
    const headersFrom = made.flatMap(({ name, value }) =>
      typeof value === "string" ? [] : [{ name, parts: value }],
    );
    const directResponse = {
      statusCode: status,
      ...(contentType !== undefined && { contentType }),
      ...(typeof text === "string" && { body: { inline: text } }),
      ...(Array.isArray(text) && { bodyFrom: text }),
      ...(set.length > 0 && { header: { set } }),
      ...(headersFrom.length > 0 && { headersFrom }),
    };
    return [{ type: "DirectResponse", directResponse }];
  };
}

/** A text that is the same for all requests, or what it is put together from. */
function textOf(format: string, situation: Situation): string | RequestText {
  return staticText(format, situation) ?? requestTextOrProblem(format, situation, "the answer");
}

interface ReadAnswer {
  status?: number;
  contentType?: string;
  /** A log-format string. */
  body?: string;
  headers: Header[];
}

function readAnswer(statement: Statement, start: number, end: number): ReadAnswer {
  const answer: ReadAnswer = { headers: [] };
  for (let index = start; index < end; index += 1) {
    const word = wordAt(statement, index);
    const argument = (): string => {
      index += 1;
      return index < end ? wordAt(statement, index) : invalid(`${word} needs an argument`);
    };
    switch (word) {
      case "status":
      case "deny_status":
      case "code":
        answer.status = readStatus(argument());
        break;
      case "content-type":
        answer.contentType = argument();
        break;
      case "string":
        answer.body = argument().replaceAll("%", "%%");
        break;
      case "lf-string":
        answer.body = argument();
        break;
      case "hdr":
        answer.headers.push({ name: argument(), value: argument() });
        break;
      case "default-errorfiles":
        break;
      case "file":
      case "lf-file":
      case "errorfile":
      case "errorfiles":
        unsupported(
          `the body stands in the file ${JSON.stringify(argument())}, which is no part of this configuration`,
          'Write it here: string "…".',
        );
        break;
      default:
        invalid(`unexpected ${JSON.stringify(word)}`, { word: statement.words[index] });
    }
  }
  return answer;
}

function readStatus(text: string): number {
  const status = Number(text);
  return /^[0-9]{3}$/.test(text) && status >= 200 && status <= 599
    ? status
    : invalid(`expected a status from 200 to 599; found ${JSON.stringify(text)}`);
}

function toFilter({ status, contentType, body, headers }: Answer): Filter {
  return {
    type: "DirectResponse",
    directResponse: {
      statusCode: status,
      ...(contentType !== undefined && { contentType }),
      ...(body !== undefined && { body: { inline: body } }),
      ...(headers.length > 0 && { header: { set: [...headers] } }),
    },
  };
}
