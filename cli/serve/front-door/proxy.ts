// Carries requests from TLS clients to the workerd process behind: HTTP/1.1, HTTP/2 and upgraded connections. Bodies
// stream in both directions, each side's backpressure reaching the other.
import { request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { ServerResponse } from "node:http";
import { pipeline, type Duplex, type Writable } from "node:stream";
import type { TLSSocket } from "node:tls";
import { problem } from "#contract/error.ts";
import { systemCode } from "../../command-error.ts";
import { connectionFacts, type TlsClientAuth } from "./connection-facts.ts";
import { forwardedHead, returnedHead } from "./forwarded-head.ts";
import { endUpload, UploadAgent } from "./upload.ts";

type Incoming = IncomingMessage | Http2ServerRequest;
type Outgoing = ServerResponse | Http2ServerResponse;

export interface Proxy {
  handle(request: Incoming, response: Outgoing, clientAuth?: TlsClientAuth): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, clientAuth?: TlsClientAuth): void;
  /** Connections kept to workerd are closed; requests under way go on. */
  close(): void;
}

/** `log` gets one line for each request that workerd could not be given. */
export function createProxy(socketPath: string, log: (line: string) => void): Proxy {
  const pool = new UploadAgent({ keepAlive: true, maxFreeSockets: 64 });
  // Connections used once, but asked to be kept: on one that is to close, workerd closes as soon as it has answered,
  // and the answer to an upload that it does not want is lost with the rest of the upload.
  const single = new UploadAgent({ keepAlive: true, maxFreeSockets: 0 });
  const open = (request: Incoming, headers: string[], pooled: boolean): ClientRequest =>
    httpRequest({
      socketPath,
      agent: pooled ? pool : single,
      method: request.method ?? "GET",
      path: request.url ?? "/",
      headers,
      setHost: false,
    });

  const send = (
    request: Incoming,
    response: Outgoing,
    clientAuth: TlsClientAuth | undefined,
    pooled: boolean,
  ): void => {
    const { headers, hasBody } = headOf(request, clientAuth);
    // workerd may close a kept connection just when a request is written to it. Only a request that can be sent again
    // (safe method, no body) takes that chance; the others get a connection of their own.
    const upstream = open(request, headers, pooled && !hasBody && isSafe(request.method));
    const sink = sinkOf(response);
    let answered = false;
    upstream.once("response", (answer) => {
      answered = true;
      respond(answer, response);
    });
    upstream.on("error", (error) => {
      // An early answer to an upload closes the way for the rest of it; the answer itself says when it is cut short.
      if (answered || sink.destroyed) return;
      if (upstream.reusedSocket && systemCode(error) === "ECONNRESET") {
        return send(request, response, clientAuth, false);
      }
      log(`cannot reach the gateway at ${socketPath}: ${error.message}`);
      refuse(response);
    });
    sink.once("close", () => {
      if (!sink.writableFinished) upstream.destroy();
    });
    if (hasBody) request.pipe(upstream);
    else upstream.end();
  };

  return {
    handle(request, response, clientAuth) {
      sinkOf(response).once("finish", () => endUpload(request));
      send(request, response, clientAuth, true);
    },
    upgrade(request, socket, head, clientAuth) {
      const { headers } = headOf(request, clientAuth, request.headers.upgrade);
      const upstream = open(request, headers, false);
      const abandon = (): void => void upstream.destroy();
      socket.once("error", abandon).once("close", abandon);
      upstream.once("upgrade", (answer, inner, innerHead) => {
        socket.write(statusText(answer, ["Connection", "Upgrade", "Upgrade", answer.headers.upgrade ?? ""]));
        if (innerHead.length > 0) socket.write(innerHead);
        if (head.length > 0) inner.write(head);
        join(socket, inner);
      });
      upstream.once("response", (answer) => {
        socket.write(statusText(answer, ["Connection", "close"]));
        pipeline(answer, socket, () => socket.destroy());
      });
      upstream.once("error", (error) => {
        log(`cannot reach the gateway at ${socketPath}: ${error.message}`);
        socket.end("HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      });
      upstream.end();
    },
    close: () => pool.destroy(),
  };
}

/** The HTTP/2 response of node:http2 says `finish` only when its stream closes, and not at all what became of it. */
function sinkOf(response: Outgoing): Writable {
  return "stream" in response ? response.stream : response;
}

function headOf(
  request: Incoming,
  clientAuth: TlsClientAuth | undefined,
  upgrade?: string,
): { headers: string[]; hasBody: boolean } {
  const endsAtHead =
    "stream" in request && request.httpVersionMajor === 2
      ? request.stream.endAfterHeaders
      : request.headers["transfer-encoding"] === undefined &&
        !(Number(request.headers["content-length"]) > 0);
  const headers = forwardedHead(
    {
      rawHeaders: request.rawHeaders,
      authority: authorityOf(request),
      chunked: !endsAtHead && request.headers["content-length"] === undefined,
      ...(upgrade !== undefined && { upgrade }),
    },
    connectionFacts(request.socket as TLSSocket, request.httpVersion, clientAuth),
  );
  return { headers, hasBody: !endsAtHead };
}

/** RFC 9113 §8.3.1: `:authority` counts where there is one. */
function authorityOf(request: Incoming): string {
  return (request.headers[":authority"] as string | undefined) ?? request.headers.host ?? "";
}

function respond(answer: IncomingMessage, response: Outgoing): void {
  // For HTTP/2, Node would refuse a reason phrase and turns the list into fields itself.
  const write = response.writeHead as (status: number, headers: string[]) => void;
  write.call(response, answer.statusCode ?? 502, returnedHead(answer.rawHeaders));
  pipeline(answer, response, (error) => {
    if (error) response.destroy();
  });
}

function refuse(response: Outgoing): void {
  const body = JSON.stringify(problem("internal"));
  (response as ServerResponse).writeHead(500, {
    "content-type": "application/problem+json",
    "isthmus-error": "internal",
  });
  (response as ServerResponse).end(body);
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

function statusText(answer: IncomingMessage, connection: string[]): string {
  const fields = [...returnedHead(answer.rawHeaders), ...connection];
  const lines = [`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}`];
  for (let index = 0; index < fields.length; index += 2) lines.push(`${fields[index]}: ${fields[index + 1]}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

function isSafe(method: string | undefined): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS";
}
