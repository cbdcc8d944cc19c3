// Files with pages: whole responses as they go over the wire (`errorfile`), and bodies (`file`, `lf-file`).
import { headerNameSchema, headerValueSchema } from "#contract/http-route.ts";
import { nowhere, type NamedFiles } from "../named-files.ts";
import { invalid, unsupported } from "../statement-problem.ts";
import { staticReply, type Header, type Reply } from "./reply.ts";

/** HAProxy's default `tune.bufsize`, which a page has to fit into. */
const maxBytes = 16_384;

/** What the gateway says itself of each message. */
const framing = /^(?:connection|content-length|keep-alive|date)$/i;
/** Statuses whose responses have no content. */
const withoutContent = new Set([204, 304]);

/** The text of a file as a body. Throws `StatementProblem`. */
export function bodyOfFile(name: string, files: NamedFiles): string {
  const text = name === nowhere ? "" : files.text(name);
  if (text.includes("\uFFFD")) {
    unsupported(
      `the file ${JSON.stringify(name)} is no text in UTF-8`,
      "Serve it from a backend, or write text.",
    );
  }
  if (new TextEncoder().encode(text).length > maxBytes) {
    invalid(`the file ${JSON.stringify(name)} is longer than ${maxBytes} bytes`);
  }
  return text;
}

/** The response in a file; `undefined`: the file is empty, and HAProxy closes the connection. Throws `StatementProblem`. */
export function replyOfFile(name: string, files: NamedFiles): Reply | undefined {
  const text = bodyOfFile(name, files);
  if (text === "") return undefined;
  const wrong = (message: string): never => invalid(`the file ${JSON.stringify(name)} ${message}`);
  const end = /\r?\n\r?\n/.exec(text) ?? wrong("has no empty line behind the headers of its response");
  const [first = "", ...fields] = text.slice(0, end.index).split(/\r?\n/);
  const status = Number(/^HTTP\/[0-9]\.[0-9] ([0-9]{3})(?: |$)/.exec(first)?.[1]);
  if (!(status >= 200 && status <= 599)) {
    wrong("does not begin with the status line of a response, such as HTTP/1.1 503 Service Unavailable");
  }
  const headers = fields.map(
    (field) => readField(field) ?? wrong(`has ${JSON.stringify(field)} for a header`),
  );
  const body = text.slice(end.index + end[0].length);
  const valueOf = (wanted: string): string | undefined =>
    headers.find((header) => header.name.toLowerCase() === wanted)?.value;
  if (valueOf("transfer-encoding") !== undefined) wrong("is encoded in chunks, which is not supported");
  if (body !== "" && withoutContent.has(status))
    wrong(`has a body, which a response of ${status} cannot have`);
  const length = valueOf("content-length");
  const bytes = new TextEncoder().encode(body).length;
  if (length !== undefined && Number(length) !== bytes) {
    wrong(`announces ${length} bytes and has a body of ${bytes}`);
  }
  return staticReply({
    status,
    contentType: valueOf("content-type"),
    body: body === "" ? undefined : body,
    headers: headers.filter((header) => !framing.test(header.name) && !/^content-type$/i.test(header.name)),
  });
}

function readField(line: string): Header | undefined {
  const found = /^([^\s:]+):[ \t]*(.*?)[ \t]*$/.exec(line);
  if (!found) return undefined;
  const header = { name: found[1]!, value: found[2]! };
  const isSound =
    headerNameSchema.safeParse(header.name).success && headerValueSchema.safeParse(header.value).success;
  return isSound ? header : undefined;
}
