// One HTTP/1.1 exchange with an endpoint whose request may have trailers, which undici cannot send. Such requests are rare:
// each has a connection of its own.
import { type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import type { Duplex } from "node:stream";
import { limits } from "#contract/limits.ts";
import type { ResetCode } from "#contract/tunnel/code.ts";
import type { Fields } from "#contract/tunnel/head.ts";
import type { StreamHandlers, TunnelStream } from "#traffic/tunnel/stream.ts";
import { systemCode } from "./agent-error.ts";
import { dialTargetOf, type SliceEndpoint } from "./config-slice.ts";
import { connectFailure } from "./connect-failure.ts";
import type { Dial } from "./dial.ts";
import { announcedTrailers, endToEndFields, fieldsOfRaw } from "./fields.ts";
import { droppedRequestFields, type ExchangeEnded, maxInformational } from "./forward-http.ts";

/** Starts the exchange and returns the handlers of its stream. */
export function forwardHttpTrailers(
  stream: TunnelStream,
  target: SliceEndpoint,
  dial: Dial,
  onEnded: ExchangeEnded,
): StreamHandlers {
  return new TrailersExchange(stream, target, dial, onEnded);
}

class TrailersExchange implements StreamHandlers {
  readonly #stream: TunnelStream;
  readonly #onEnded: ExchangeEnded;
  readonly #request: ClientRequest;
  #answer: IncomingMessage | undefined;
  #connected = false;
  #informational = 0;
  /** Response bytes that the window did not take; the endpoint is paused while there are any. */
  #pending: Uint8Array | undefined;
  #over = false;

  constructor(stream: TunnelStream, target: SliceEndpoint, dial: Dial, onEnded: ExchangeEnded) {
    this.#stream = stream;
    this.#onEnded = onEnded;
    const { method, target: path, authority, fields } = stream.head;
    const headers = ["host", authority];
    for (const [name, value] of endToEndFields(fields, droppedRequestFields)) headers.push(name, value);
    headers.push("trailer", announcedTrailers(fields) ?? "", "transfer-encoding", "chunked");
    this.#request = httpRequest({
      method,
      path,
      headers,
      setHost: false,
      maxHeaderSize: limits.headBytes,
      createConnection: (_options, created) => {
        dial(dialTargetOf(target), (error, socket) => {
          this.#connected = !error;
          // Node types the socket as required; it reads it only without an error.
          created(error, socket as Duplex);
        });
        return undefined;
      },
    });
    this.#listen();
  }

  // --- from the tunnel ----------------------------------------------------------------------------------------------

  onData(chunk: Uint8Array): void {
    // The endpoint has answered without reading the rest: let the client finish, into nothing.
    if (this.#over || this.#request.destroyed) return this.#stream.consumed(chunk.length);
    this.#request.write(chunk, () => this.#stream.consumed(chunk.length));
  }

  onEnd(trailers: Fields): void {
    if (this.#over || this.#request.destroyed) return;
    this.#request.addTrailers(trailers.map(([name, value]): [string, string] => [name, value]));
    this.#request.end();
  }

  onReset({ code }: { code: ResetCode }): void {
    this.#finish(code);
    this.#request.destroy();
  }

  onWritable(): void {
    if (!this.#pending) return;
    const taken = this.#stream.write(this.#pending);
    this.#pending = taken < this.#pending.length ? this.#pending.subarray(taken) : undefined;
    if (!this.#pending) this.#answer?.resume();
  }

  // --- to and from the endpoint -------------------------------------------------------------------------------------

  #listen(): void {
    this.#request
      .on("information", ({ statusCode, rawHeaders }) => {
        this.#informational += 1;
        if (this.#over || this.#informational > maxInformational) return;
        this.#stream.respond({ status: statusCode, fields: endToEndFields(fieldsOfRaw(rawHeaders)) });
      })
      .once("response", (answer) => this.#receive(answer))
      .on("error", (error) => this.#broken(error));
    // The head goes at once: an answer may come before there is anything else to send.
    this.#request.flushHeaders();
  }

  #receive(answer: IncomingMessage): void {
    this.#answer = answer;
    const { statusCode = 0, rawHeaders } = answer;
    try {
      this.#stream.respond({ status: statusCode, fields: endToEndFields(fieldsOfRaw(rawHeaders)) });
    } catch (error) {
      // Longer than a tunnel takes.
      return this.#fail("endpoint_protocol_error", error as Error);
    }
    answer
      .on("data", (chunk: Buffer) => {
        const taken = this.#stream.write(chunk);
        if (taken === chunk.length) return;
        this.#pending = chunk.subarray(taken);
        answer.pause();
      })
      .once("end", () => {
        this.#stream.end(fieldsOfRaw(answer.rawTrailers));
        this.#finish();
        this.#request.destroy();
      })
      .on("error", (error) => this.#broken(error));
  }

  #broken(error: Error): void {
    const reached = this.#connected ? "endpoint_reset" : connectFailure(error);
    this.#fail(systemCode(error)?.startsWith("HPE_") ? "endpoint_protocol_error" : reached, error);
  }

  #fail(code: ResetCode, error: Error): void {
    if (this.#over) return;
    const detail = `${systemCode(error) ?? error.name}: ${error.message}`;
    this.#stream.reset(code, detail);
    this.#finish(code, detail);
    this.#request.destroy();
  }

  #finish(code?: ResetCode, detail?: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#pending = undefined;
    this.#stream.consumed(this.#stream.unconsumedBytes);
    this.#onEnded(code, detail);
  }
}
