// One WebSocket to an endpoint: handshake with the client's headers and subprotocols, then messages, pings and the close
// of either side pass through as they are.
import type { ClientRequestArgs, IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import type { ClientOptions } from "ws";
import { limits } from "#contract/limits.ts";
import type { ResetCode } from "#contract/tunnel/code.ts";
import type { OpenHead } from "#contract/tunnel/head.ts";
import type { StreamHandlers, StreamReset, TunnelStream } from "#traffic/tunnel/stream.ts";
import { connectFailure } from "./connect-failure.ts";
import { dialTargetOf, type SliceEndpoint } from "./config-slice.ts";
import type { Dial } from "./dial.ts";
import { endToEndFields, fieldsOfRaw } from "./fields.ts";
import type { ExchangeEnded } from "./endpoint-answer.ts";
import { endpointHost } from "./endpoint-host.ts";

/** The client library writes these itself. Extensions are per connection, and none is offered (RFC 6455 §9.1). */
const ownFields: ReadonlySet<string> = new Set([
  "host",
  "sec-websocket-key",
  "sec-websocket-version",
  "sec-websocket-extensions",
  "sec-websocket-protocol",
  "sec-websocket-accept",
  "content-length",
  "expect",
]);

/** RFC 6455 §7.4.1: no status was present; never on the wire. */
const noStatus = 1005;
const abnormal = 1006;
const goingAway = 1001;

interface Piece {
  readonly bytes: Buffer;
  readonly text: boolean;
}

/** Dials at once; `onEnded` is called when the exchange is over. */
export class WebSocketExchange implements StreamHandlers {
  readonly #stream: TunnelStream;
  readonly #onEnded: ExchangeEnded;
  readonly #socket: WebSocket;
  /** Messages of the endpoint that the window did not take; the socket is paused while there are any. */
  readonly #pending: Piece[] = [];
  #afterPending: (() => void) | undefined;
  #connected = false;
  #over = false;
  #error: Error | undefined;
  #clientClose: { code: number; reason: string } | undefined;
  /** The answer of an endpoint that did not switch protocols. */
  #answer: IncomingMessage | undefined;
  #answerPending: Buffer | undefined;

  constructor(stream: TunnelStream, target: SliceEndpoint, dial: Dial, onEnded: ExchangeEnded) {
    this.#stream = stream;
    this.#onEnded = onEnded;
    const { endpoint, protocol } = target;
    const scheme = protocol === "HTTPS" ? "wss" : "ws";
    const url = `${scheme}://${endpointHost(endpoint)}:${endpoint.port}${stream.head.target}`;
    const options: ClientRequestArgs & Omit<ClientOptions, keyof ClientRequestArgs> = {
      headers: requestHeaders(stream.head),
      perMessageDeflate: false,
      autoPong: false,
      maxPayload: limits.webSocketMessageBytes,
      createConnection: (_options, oncreate) => {
        dial(dialTargetOf(target), (error, socket) => {
          this.#connected = !error;
          // Node types the socket as required; it reads it only without an error.
          oncreate(error, socket!);
        });
        return undefined;
      },
    };
    this.#socket = new WebSocket(url, subprotocols(stream.head), options);
    this.#listen();
  }

  /** Says goodbye to both sides: the agent ends and cannot wait any longer. */
  goAway(): void {
    this.#stream.close(goingAway, "the agent is shutting down");
    this.#socket.close(goingAway);
  }

  #listen(): void {
    const stream = this.#stream;
    this.#socket
      .on("upgrade", (response) => this.#opened(response))
      .on("unexpected-response", (_request, response) => this.#refused(response))
      .on("message", (data, isBinary) => this.#send({ bytes: data as Buffer, text: !isBinary }))
      .on("ping", (payload) => stream.ping(payload))
      .on("pong", (payload) => stream.pong(payload))
      .on("error", (error) => {
        this.#error = error;
      })
      .on("close", (code, reason) => this.#closed(code, reason.toString("utf8")));
  }

  #opened(response: IncomingMessage): void {
    const fields = endToEndFields(fieldsOfRaw(response.rawHeaders), acceptFields);
    this.#stream.respond({ status: 101, fields });
  }

  // --- from the endpoint -------------------------------------------------------------------------------------------

  #send(piece: Piece): void {
    this.#pending.push(piece);
    if (this.#pending.length === 1) this.#flush();
  }

  #flush(): void {
    for (let piece = this.#pending[0]; piece; piece = this.#pending[0]) {
      const { bytes, text } = piece;
      const taken = this.#stream.writeMessage(bytes, { text, last: true });
      if (taken < bytes.length) {
        this.#pending[0] = { bytes: bytes.subarray(taken), text };
        this.#socket.pause();
        return;
      }
      this.#pending.shift();
    }
    this.#socket.resume();
    this.#afterPending?.();
  }

  #closed(code: number, reason: string): void {
    if (this.#over || this.#answer) return;
    if (this.#pending.length > 0) {
      // Messages of the endpoint still wait for the window; its goodbye comes after them.
      this.#afterPending = () => this.#closed(code, reason);
      return;
    }
    if (code !== abnormal) {
      this.#stream.close(code, reason);
      return this.#finish();
    }
    if (this.#clientClose) {
      // The endpoint left without the closing handshake that the client has begun: its own code is all there is.
      this.#stream.close(this.#clientClose.code, "");
      return this.#finish();
    }
    const resetCode = this.#resetCode();
    const detail = this.#error?.message ?? "the endpoint closed the connection without a close frame";
    this.#stream.reset(resetCode, detail);
    this.#finish(resetCode, detail);
  }

  #resetCode(): ResetCode {
    const error = this.#error;
    if (!this.#connected) return connectFailure(error);
    const code = String((error as NodeJS.ErrnoException | undefined)?.code ?? "");
    if (code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") return "message_too_large";
    return code.startsWith("WS_ERR_") || code.startsWith("HPE_")
      ? "endpoint_protocol_error"
      : "endpoint_reset";
  }

  /** The endpoint answered the handshake with an ordinary response: passed on like any other. */
  #refused(response: IncomingMessage): void {
    const stream = this.#stream;
    this.#answer = response;
    stream.respond({
      status: response.statusCode ?? 502,
      fields: endToEndFields(fieldsOfRaw(response.rawHeaders)),
    });
    response
      .on("data", (chunk: Buffer) => {
        const taken = stream.write(chunk);
        if (taken === chunk.length) return;
        this.#answerPending = chunk.subarray(taken);
        response.pause();
      })
      .on("end", () => {
        stream.end(fieldsOfRaw(response.rawTrailers));
        // The client's direction was for messages that will never come; as in HTTP/2, RESET after END harms no answer.
        stream.reset("cancelled", "answered without a WebSocket");
        this.#finish();
      })
      .on("error", (error) => {
        if (this.#over) return;
        stream.reset("endpoint_reset", error.message);
        this.#finish("endpoint_reset", error.message);
      });
  }

  // --- from the tunnel ---------------------------------------------------------------------------------------------

  onMessage(chunk: Uint8Array, { text, last }: { readonly text: boolean; readonly last: boolean }): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return this.#stream.consumed(chunk.length);
    // The callback runs once the socket has taken the bytes, so a slow endpoint holds back the client.
    this.#socket.send(chunk, { binary: !text, fin: last, compress: false }, () =>
      this.#stream.consumed(chunk.length),
    );
  }

  onPing(payload: Uint8Array): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.ping(payload);
  }

  onPong(payload: Uint8Array): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.pong(payload);
  }

  onClose(code: number, reason: string): void {
    this.#clientClose = { code, reason };
    if (code === noStatus) this.#socket.close();
    else if (isSendable(code)) this.#socket.close(code, reason);
    else this.#socket.terminate();
  }

  /** A client that never spoke WebSocket: only after an ordinary response. */
  onEnd(): void {}

  onData(chunk: Uint8Array): void {
    this.#stream.consumed(chunk.length);
  }

  onWritable(): void {
    if (!this.#answer) return this.#flush();
    const pending = this.#answerPending;
    if (!pending) return;
    const taken = this.#stream.write(pending);
    this.#answerPending = taken < pending.length ? pending.subarray(taken) : undefined;
    if (!this.#answerPending) this.#answer.resume();
  }

  onReset({ code }: StreamReset): void {
    this.#finish(code);
    this.#answer?.destroy();
    // Without a close frame: the endpoint learns that the client is gone, not that it said goodbye.
    this.#socket.terminate();
  }

  #finish(code?: ResetCode, detail?: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#pending.length = 0;
    this.#onEnded(code, detail);
  }
}

/** RFC 6455 §7.4: what an endpoint may put into a close frame. */
function isSendable(code: number): boolean {
  return (
    (code >= 1000 && code <= 1014 && code !== 1004 && code !== noStatus && code !== abnormal) || code >= 3000
  );
}

const acceptFields: ReadonlySet<string> = new Set(["sec-websocket-accept", "sec-websocket-extensions"]);

function subprotocols(head: OpenHead): string[] {
  const offered = head.fields.filter(([name]) => name === "sec-websocket-protocol");
  return offered.flatMap(([, value]) => value.split(",").map((protocol) => protocol.trim()));
}

function requestHeaders(head: OpenHead): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { Host: head.authority };
  for (const [name, value] of endToEndFields(head.fields, ownFields)) {
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}
