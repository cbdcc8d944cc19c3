// Responses that the file words: of `return`, `deny`, `tarpit` and `http-error`, and of the files that they name.
import type { RequestText } from "#contract/request-text.ts";
import type { Filter, Situation } from "../program/program.ts";
import { escapeFormat, staticText } from "./format.ts";
import { requestTextOrProblem } from "./request-text.ts";

export interface Reply {
  readonly status: number;
  readonly contentType?: string | undefined;
  /** A log-format string, as the values of the headers are. Absent: no body. */
  readonly body?: string | undefined;
  readonly headers: readonly Header[];
}

export interface Header {
  readonly name: string;
  readonly value: string;
}

/** Pages of a proxy by the status of the error that they are for. */
export type ReplyPages = ReadonlyMap<number, Reply>;

/** A reply of plain texts. */
export function staticReply({ body, headers, ...rest }: Reply): Reply {
  return {
    ...rest,
    ...(body !== undefined && { body: escapeFormat(body) }),
    headers: headers.map(({ name, value }) => ({ name, value: escapeFormat(value) })),
  };
}

/** Throws `StatementProblem` where a text depends on the request in a way that cannot be translated. */
export function replyFilter({ status, ...texts }: Reply, situation: Situation): Filter {
  return { type: "DirectResponse", directResponse: { statusCode: status, ...wording(texts, situation) } };
}

/** The fields that words have in all filters. */
export function wording({ contentType, body, headers }: Omit<Reply, "status">, situation: Situation) {
  const made = headers.map(({ name, value }) => ({ name, value: textOf(value, situation) }));
  const text = body === undefined ? undefined : textOf(body, situation);
  // HAProxy leaves headers away whose values are empty.
  const fixed = made.flatMap(({ name, value }) =>
    typeof value === "string" && value !== "" ? [{ name, value }] : [],
  );
  const headersFrom = made.flatMap(({ name, value }) =>
    typeof value === "string" ? [] : [{ name, parts: value, keepEmptyValue: false }],
  );
  // Of several with one name, the second joins the first.
  const isRepeated = (index: number): boolean =>
    fixed.slice(0, index).some(({ name }) => name.toLowerCase() === fixed[index]!.name.toLowerCase());
  const set = fixed.filter((_, index) => !isRepeated(index));
  const add = fixed.filter((_, index) => isRepeated(index));
  return {
    ...(contentType !== undefined && { contentType }),
    ...(typeof text === "string" && { body: { inline: text } }),
    ...(Array.isArray(text) && { bodyFrom: text }),
    ...(fixed.length > 0 && { header: { set, ...(add.length > 0 && { add }) } }),
    ...(headersFrom.length > 0 && { headersFrom }),
  };
}

/** A text that is the same for all requests, or what it is put together from. */
function textOf(format: string, situation: Situation): string | RequestText {
  return staticText(format, situation) ?? requestTextOrProblem(format, situation, "the answer");
}
