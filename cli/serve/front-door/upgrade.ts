// Connections that stop being HTTP: an upgrade over HTTP/1.1, or a WebSocket on a stream of HTTP/2 (RFC 8441), for which
// workerd gets an upgrade, too.
import { randomBytes } from "node:crypto";
import type { ClientRequest, IncomingMessage } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { pipeline, type Duplex } from "node:stream";
import { answerText, passAnswer } from "./answer.ts";
import type { Peer } from "./connection-facts.ts";
import { http2Fields, returnedHead } from "./forwarded-head.ts";
import { requestHead } from "./incoming.ts";
import type { InformationalAnswers } from "./informational.ts";
import { malformation } from "./malformation.ts";
import { refuse } from "./refusal.ts";
import { endUpload } from "./upload.ts";

/** The workerd process behind. */
export interface Upstream {
  open(method: string, path: string, headers: string[], pooled: boolean): ClientRequest;
  readonly informational: InformationalAnswers | undefined;
  logFailure(error: Error): void;
}

export function passUpgrade(
  { open, logFailure }: Upstream,
  request: IncomingMessage,
  socket: Duplex,
  early: Buffer,
  peer: Peer,
): void {
  // RFC 6455 §4.1; what else asks for an upgrade has a body that nobody would read.
  if (request.method !== "GET" || malformation(request)) {
    return void socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  }
  const { headers } = requestHead(request, peer, { upgrade: request.headers.upgrade });
  const upstream = open(request.method ?? "GET", request.url ?? "/", headers, false);
  exchangeUpgrade(upstream, socket, {
    onUpgrade: (answer) =>
      socket.write(answerText(answer, ["Connection", "Upgrade", "Upgrade", answer.headers.upgrade ?? ""])),
    onResponse(answer) {
      socket.write(answerText(answer, ["Connection", "close"]));
      pipeline(answer, socket, () => socket.destroy());
    },
    onError(error) {
      logFailure(error);
      socket.end("HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    },
    early,
  });
}

/** For a request with method CONNECT. */
export function passConnect(
  { open, logFailure }: Upstream,
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  peer: Peer,
): void {
  // Tunnels to anywhere are a forward proxy's business.
  if (request.headers[":protocol"] !== "websocket") return void response.writeHead(501).end();
  const { headers } = requestHead(request, peer, { upgrade: "websocket" });
  // HTTP/2 proves by its own means that the server understood; HTTP/1.1 asks for a key (RFC 8441 §5).
  headers.push("Sec-WebSocket-Key", randomBytes(16).toString("base64"));
  const { stream } = response;
  exchangeUpgrade(open("GET", request.url, headers, false), stream, {
    onUpgrade(answer) {
      const { "sec-websocket-accept": _accept, ...fields } = http2Fields(returnedHead(answer.rawHeaders));
      stream.respond({ ...fields, ":status": 200 });
    },
    onResponse: (answer) => passAnswer(answer, response, undefined, () => endUpload(request)),
    onError(error) {
      logFailure(error);
      refuse(request, response);
    },
  });
}

interface UpgradeHandlers {
  onUpgrade(answer: IncomingMessage): void;
  /** Anything but 101. */
  onResponse(answer: IncomingMessage): void;
  onError(error: Error): void;
  /** What the client sent behind its request. */
  readonly early?: Buffer;
}

function exchangeUpgrade(upstream: ClientRequest, client: Duplex, handlers: UpgradeHandlers): void {
  const abandon = (): void => void upstream.destroy();
  client.once("error", abandon).once("close", abandon);
  upstream.once("upgrade", (answer, inner, innerHead) => {
    handlers.onUpgrade(answer);
    if (innerHead.length > 0) client.write(innerHead);
    if (handlers.early?.length) inner.write(handlers.early);
    join(client, inner);
  });
  upstream.once("response", (answer) => handlers.onResponse(answer));
  upstream.once("error", (error) => {
    if (!client.destroyed) handlers.onError(error);
  });
  upstream.end();
}

/** Two connections as one, until either ends; each side's backpressure reaches the other. */
function join(a: Duplex, b: Duplex): void {
  const end = (): void => {
    a.destroy();
    b.destroy();
  };
  for (const side of [a, b]) side.on("error", end).once("close", end);
  a.pipe(b).pipe(a);
}
