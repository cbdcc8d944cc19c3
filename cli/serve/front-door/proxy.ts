// Carries requests from clients to the workerd process behind: HTTP/1.1, HTTP/2 and upgraded connections. Bodies
// stream in both directions at once, each side's backpressure reaching the other.
import { request as httpRequest, type IncomingMessage } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Duplex } from "node:stream";
import { systemCode } from "../../command-error.ts";
import { passAnswer, sinkOf, type Outgoing } from "./answer.ts";
import type { Peer } from "./connection-facts.ts";
import { requestHead, type Incoming } from "./incoming.ts";
import { framing } from "./framing.ts";
import type { InformationalAnswers } from "./informational.ts";
import { malformation } from "./malformation.ts";
import { refuse } from "./refusal.ts";
import { createTurns } from "./request-order.ts";
import { passConnect, passUpgrade, type Upstream } from "./upgrade.ts";
import { endUpload, SingleUseAgent, UploadAgent } from "./upload.ts";

export interface Proxy {
  /** `awaitsContinue`: the client has not been told to send the body that it announces (RFC 9110 §10.1.1). */
  handle(request: Incoming, response: Outgoing, peer: Peer, awaitsContinue?: boolean): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, peer: Peer): void;
  /** CONNECT over HTTP/2. */
  connect(request: Http2ServerRequest, response: Http2ServerResponse, peer: Peer): void;
  /** From now on an HTTP/1.1 answer tells the client that its connection closes (RFC 9112 §9.6). */
  announceEnd(): void;
  /** Connections kept to workerd are closed; requests under way go on. */
  close(): void;
}

/** An endpoint's head may have 60 KiB (`limits.headBytes`), the gateway adds to it, and Node takes 16 KiB by itself. */
const answerHeadBytes = 128 * 1024;

export interface ProxyOptions {
  /** The Unix socket behind, by target. */
  socketPathOf(target: string): string;
  /** Absent: no hub stands behind workerd. */
  readonly informational: InformationalAnswers | undefined;
  /** One line for each request that workerd could not be given. */
  log(line: string): void;
}

export function createProxy({ socketPathOf, informational, log }: ProxyOptions): Proxy {
  const pool = new UploadAgent({ keepAlive: true, maxFreeSockets: 64 });
  // Connections used once, but asked to be kept: on one that is to close, workerd closes as soon as it has answered,
  // and the answer to an upload that it does not want is lost with the rest of the upload.
  const single = new SingleUseAgent({ keepAlive: true });
  const workerd: Upstream = {
    open: (method, path, headers, pooled) =>
      httpRequest({
        socketPath: socketPathOf(path),
        agent: pooled ? pool : single,
        method,
        path,
        headers,
        setHost: false,
        maxHeaderSize: answerHeadBytes,
      }),
    informational,
    logFailure: (error) => log(`cannot reach the process behind: ${error.message}`),
  };
  let ending = false;
  const inTurn = createTurns();
  return {
    handle(request, response, peer, awaitsContinue = false) {
      const code = malformation(request);
      if (code !== undefined) return refuse(request, response, code);
      if (ending && !("stream" in response)) response.shouldKeepAlive = false;
      inTurn(request, response, () =>
        send(workerd, request, response, peer, { pooled: true, awaitsContinue }),
      );
    },
    upgrade: (request, socket, head, peer) => passUpgrade(workerd, request, socket, head, peer),
    connect: (request, response, peer) => passConnect(workerd, request, response, peer),
    announceEnd() {
      ending = true;
    },
    close: () => pool.destroy(),
  };
}

interface SendOptions {
  /** A connection that was kept may be used. */
  readonly pooled: boolean;
  readonly awaitsContinue: boolean;
}

function send(
  workerd: Upstream,
  request: Incoming,
  response: Outgoing,
  peer: Peer,
  { pooled, awaitsContinue }: SendOptions,
): void {
  const expected = workerd.informational?.expect(request.httpVersion, response);
  const informational = expected?.target;
  const { headers, hasBody, chunked, trailers, framed } = requestHead(request, peer, { informational });
  const { method = "GET", url = "/" } = request;
  // workerd says 100 (Continue) when somebody begins to read the body, and not before.
  if (awaitsContinue && hasBody) headers.push("Expect", "100-continue");
  // workerd may close a kept connection just when a request is written to it. Only a request that can be sent again
  // (safe method, no body) takes that chance; the others get a connection of their own.
  const upstream = workerd.open(method, url, headers, pooled && !hasBody && isSafe(method));
  const sink = sinkOf(response);
  let answered = false;
  upstream.once("continue", () => {
    if (!sink.destroyed && !response.headersSent) response.writeContinue();
  });
  upstream.once("response", (answer) => {
    answered = true;
    expected?.over();
    passAnswer(answer, response, trailers, () => endUpload(request));
  });
  upstream.on("error", (error) => {
    // An early answer to an upload closes the way for the rest of it; the answer itself says when it is cut short.
    if (answered || sink.destroyed) return;
    if (!hasBody && upstream.reusedSocket && systemCode(error) === "ECONNRESET") {
      return send(workerd, request, response, peer, { pooled: false, awaitsContinue });
    }
    workerd.logFailure(error);
    refuse(request, response);
  });
  upstream.once("close", () => expected?.over());
  sink.once("close", () => {
    if (!sink.writableFinished || !upstream.writableFinished) upstream.destroy();
  });
  if (!hasBody) return void upstream.end();
  // Who streams may want to hear of the answer before there is anything to send.
  if (chunked) upstream.flushHeaders();
  if (!framed) return void request.pipe(upstream);
  const frames = framing(request);
  frames.once("error", () => {
    answered = true;
    upstream.destroy();
    if (!sink.destroyed && !sink.writableEnded) refuse(request, response, "head_too_large");
  });
  request.pipe(frames).pipe(upstream);
}

function isSafe(method: string): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS";
}
