// Carries an answer of workerd to the client, over HTTP/1.1 or HTTP/2, with the trailers that a hub has put into its body
// (decision 0012).
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  constants,
  type Http2ServerResponse,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { pipeline, Readable, type Writable } from "node:stream";
import { BodyFrameReader, trailersHeader } from "#contract/body-frames.ts";
import type { Fields } from "#contract/tunnel/head.ts";
import { grpcProtocolOf } from "#traffic/grpc/content-type.ts";
import { grpcStatus, grpcStatusFields } from "#traffic/grpc/status.ts";
import { http2Fields, pairs, returnedHead } from "./forwarded-head.ts";
import { graceMs } from "./upload.ts";

export type Outgoing = ServerResponse | Http2ServerResponse;

/** The HTTP/2 response of node:http2 says `finish` only when its stream closes, and not at all what became of it. */
export function sinkOf(response: Outgoing): Writable {
  return "stream" in response ? response.stream : response;
}

/** `onSent` runs when all of the answer is on its way. `token` is what the request offered; nothing else marks frames. */
export function passAnswer(
  answer: IncomingMessage,
  response: Outgoing,
  token: string | undefined,
  onSent: () => void,
): void {
  const framed = token !== undefined && answer.headers[trailersHeader] === token;
  if ("stream" in response) passHttp2(answer, response, framed, onSent);
  else passHttp1(answer, response, framed, onSent);
}

function passHttp1(
  answer: IncomingMessage,
  response: ServerResponse,
  framed: boolean,
  onSent: () => void,
): void {
  response.once("finish", onSent);
  response.writeHead(answer.statusCode ?? 502, headOf(answer, framed));
  // The head of a stream of events or messages says that it began; the first of them may be long in coming.
  if (framed || answer.headers["content-length"] === undefined) response.flushHeaders();
  const onTrailers = (trailers: Fields): void =>
    response.addTrailers([...pairs(returnedHead(trailers.flat()))]);
  pipeline([framed ? unframed(answer, onTrailers) : answer, response], (error) => {
    if (error) response.destroy();
  });
}

function passHttp2(
  answer: IncomingMessage,
  { stream, req }: Http2ServerResponse,
  framed: boolean,
  onSent: () => void,
): void {
  if (stream.destroyed) return void answer.resume();
  const status = answer.statusCode ?? 502;
  const headers = { ...http2Fields(headOf(answer, framed)), ":status": status };
  // A gRPC status without a body has to end the stream with its head (PROTOCOL-HTTP2, "Trailers-Only").
  if (hasNoBody(req.method, answer)) {
    stream.once("finish", onSent);
    write(stream, headers, (fields) => stream.respond(fields, { endStream: true }));
    answer.resume();
    return;
  }
  let trailers: Fields = [];
  if (!framed) stream.once("finish", onSent);
  write(stream, headers, (fields) => stream.respond(fields, { waitForTrailers: framed }));
  // Node's own listener would send those of its response object, which are none.
  stream.removeAllListeners("wantTrailers").once("wantTrailers", () => {
    write(stream, http2Fields(returnedHead(trailers.flat())), (fields) => stream.sendTrailers(fields));
    // A reset right behind them would overtake them.
    setTimeout(onSent, graceMs).unref();
  });
  const onTrailers = (fields: Fields): void => {
    trailers = fields;
  };
  pipeline([framed ? unframed(answer, onTrailers) : answer, stream], (error) => {
    if (error) stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  });
}

/**
 * Node refuses a second value of a field that can have but one, which an endpoint may well send. What it refuses even then
 * is no answer.
 */
function write(
  stream: ServerHttp2Stream,
  fields: OutgoingHttpHeaders,
  writeFields: (fields: OutgoingHttpHeaders) => void,
): void {
  try {
    writeFields(fields);
  } catch {
    try {
      writeFields(firstOfEach(fields));
    } catch {
      stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    }
  }
}

function firstOfEach(fields: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      Array.isArray(value) && name !== "set-cookie" ? value[0] : value,
    ]),
  );
}

/** workerd gives the length of the frames where it knows one. */
function headOf({ rawHeaders }: IncomingMessage, framed: boolean): string[] {
  const head = returnedHead(rawHeaders);
  if (!framed) return head;
  return [...pairs(head)].filter(([name]) => name.toLowerCase() !== "content-length").flat();
}

function hasNoBody(method: string, { statusCode, headers }: IncomingMessage): boolean {
  return method === "HEAD" || statusCode === 204 || statusCode === 304 || headers["content-length"] === "0";
}

/** The data in a body of frames; `onTrailers` is called before its end. */
function unframed(answer: IncomingMessage, onTrailers: (trailers: Fields) => void): Readable {
  return Readable.from(framesOf(answer, onTrailers), { objectMode: false });
}

/** A body that ends without its last frame has broken off, for which calls of gRPC have a status. */
async function* framesOf(
  answer: IncomingMessage,
  onTrailers: (trailers: Fields) => void,
): AsyncGenerator<Uint8Array> {
  const reader = new BodyFrameReader();
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) yield* reader.read(chunk);
    if (!reader.trailers) throw new Error("the answer broke off");
    onTrailers(reader.trailers);
  } catch (error) {
    if (grpcProtocolOf(answer.headers["content-type"]) !== "grpc") throw error;
    onTrailers(grpcStatusFields(grpcStatus.unavailable, "the call broke off on its way"));
  }
}

/** An upgrade's answer as text, for a connection that is a stream of bytes already. */
export function answerText(answer: IncomingMessage, connection: readonly string[]): string {
  const lines = [`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}`];
  for (const [name, value] of pairs([...returnedHead(answer.rawHeaders), ...connection])) {
    lines.push(`${name}: ${value}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}
