// A server whose answers compression is about, and a client that sees of an answer what is on the wire.
import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { sendBytes } from "./wire-client.ts";

export const short = randomBytes(3_000).toString("base64");
const long = randomBytes(300_000).toString("base64");
const html = { "content-type": "text/html; charset=utf-8" };
/** The server's answers, by path. */
export const answers: Readonly<
  Record<string, { status?: number; fields: Record<string, string>; body?: string }>
> = {
  "/html": { fields: { ...html, etag: '"one"' } },
  "/length": { fields: { ...html, "content-length": String(short.length), "accept-ranges": "bytes" } },
  "/long": { fields: html, body: long },
  "/long-length": { fields: { ...html, "content-length": String(long.length) }, body: long },
  "/empty": { fields: { ...html, "content-length": "0" }, body: "" },
  "/small": { fields: { ...html, "content-length": "5" }, body: "small" },
  "/json": { fields: { "content-type": "application/json" } },
  "/image": { fields: { "content-type": "image/png" } },
  "/unnamed": { fields: {} },
  "/encoded": { fields: { ...html, "content-encoding": "br" } },
  "/whole": { fields: { ...html, "cache-control": "public, no-transform" } },
  "/missing": { status: 404, fields: html },
  "/created": { status: 201, fields: html },
  "/part": { status: 206, fields: { ...html, "content-range": "bytes 0-3999/9000" } },
  "/unchanged": { status: 304, fields: { etag: '"one"' }, body: "" },
  "/nothing": { status: 204, fields: {}, body: "" },
};

/** Answers what {@link answers} has; false for all else. */
export function giveAnswer({ url = "", method }: IncomingMessage, response: ServerResponse): boolean {
  const answer = answers[url];
  if (!answer) return false;
  const { status = 200, fields, body = short } = answer;
  response.writeHead(status, fields).end(method === "HEAD" ? undefined : body);
  return true;
}

export interface Got {
  readonly status: number;
  readonly fields: Record<string, string>;
  readonly body: Buffer;
}

export interface Asked {
  readonly method?: string;
  readonly accepts?: string;
  readonly port: number;
  readonly secure?: boolean;
}

export async function get(
  path: string,
  host: string,
  { method = "GET", accepts = "gzip", secure = false, port }: Asked,
): Promise<Got> {
  const head = `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nAccept-Encoding: ${accepts}\r\nConnection: close\r\n\r\n`;
  const text = await sendBytes(secure ? { port, serverName: host } : { port }, head);
  const end = text.indexOf("\r\n\r\n");
  const [statusLine = "", ...lines] = text.slice(0, end).split("\r\n");
  const fields = Object.fromEntries(
    lines.map((line) => [line.split(":", 1)[0]!.toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
  );
  const rest = Buffer.from(text.slice(end + 4), "latin1");
  const body = fields["transfer-encoding"] === "chunked" ? unchunked(rest) : rest;
  return { status: Number(statusLine.split(" ")[1]), fields, body };
}

function unchunked(bytes: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    const length = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    pieces.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + length));
    at = length === 0 ? bytes.length : lineEnd + 2 + length + 2;
  }
  return Buffer.concat(pieces);
}
