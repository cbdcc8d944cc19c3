// One HTTP/1.1 exchange with an endpoint: request body, response and trailers stream through with backpressure both
// ways and nothing is buffered beyond the windows.
import { Readable } from "node:stream";
import type { Dispatcher, Pool } from "undici";
import type { ResetCode } from "#contract/tunnel/code.ts";
import type { OpenHead } from "#contract/tunnel/head.ts";
import type { StreamHandlers, TunnelStream } from "#traffic/tunnel/stream.ts";
import { systemCode } from "./agent-error.ts";
import { connectFailure } from "./connect-failure.ts";
import { endToEndFields, fieldsOfRaw } from "./fields.ts";

/** Informational responses that are passed on; the tunnel takes 16. */
export const maxInformational = 16;

/** The tunnel's authority becomes Host or `:authority`. The edge has answered `Expect` (RFC 9110 §10.1.1), undici refuses it. */
export const droppedRequestFields: ReadonlySet<string> = new Set(["host", "expect"]);

/** RFC 9110 §9.2.2: sent again after a broken connection without asking anybody. */
const idempotentMethods = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

/** Called when the exchange is over, with the code it was reset with, if it was. */
export type ExchangeEnded = (code?: ResetCode, detail?: string) => void;

/** Starts the exchange and returns the handlers of its stream. `ended`: the request has no body. */
export function forwardHttp(
  stream: TunnelStream,
  pool: Pool,
  ended: boolean,
  onEnded: ExchangeEnded,
): StreamHandlers {
  const exchange = new HttpExchange(stream, pool, ended, onEnded);
  exchange.dispatch();
  return exchange;
}

class HttpExchange implements StreamHandlers, Dispatcher.DispatchHandler {
  readonly #stream: TunnelStream;
  readonly #pool: Pool;
  readonly #onEnded: ExchangeEnded;
  readonly #body: Readable | null;
  #controller: Dispatcher.DispatchController | undefined;
  /** Response bytes that the window did not take; undici is paused while there are any. */
  #pending: Buffer | undefined;
  #informational = 0;
  #headSent = false;
  #retried = false;
  #over = false;

  constructor(stream: TunnelStream, pool: Pool, ended: boolean, onEnded: ExchangeEnded) {
    this.#stream = stream;
    this.#pool = pool;
    this.#onEnded = onEnded;
    // Bounded by the stream's window: credit returns only with what undici has written (onBodySent).
    this.#body = ended ? null : new Readable({ read() {} });
    // A cancelled body is destroyed with an error that has been reported already.
    this.#body?.on("error", () => undefined);
  }

  dispatch(): void {
    this.#controller = undefined;
    this.#pool.dispatch(requestOptions(this.#stream.head, this.#body), this);
  }

  // --- from the tunnel ---------------------------------------------------------------------------------------------

  onData(chunk: Uint8Array): void {
    if (this.#over || this.#body?.destroyed !== false) {
      // The endpoint has answered without reading the rest (RFC 9112 §9.3): let the client finish, into nothing.
      this.#stream.consumed(chunk.length);
      return;
    }
    this.#body.push(chunk);
  }

  onEnd(): void {
    this.#body?.push(null);
  }

  onReset({ code }: { code: ResetCode }): void {
    this.#finish(code);
    this.#abort();
  }

  onWritable(): void {
    const pending = this.#pending;
    if (!pending) return;
    const taken = this.#stream.write(pending);
    this.#pending = taken < pending.length ? pending.subarray(taken) : undefined;
    if (!this.#pending) this.#controller?.resume();
  }

  // --- from undici -------------------------------------------------------------------------------------------------

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#over) this.#abort();
  }

  onBodySent(chunk: Buffer): void {
    this.#stream.consumed(chunk.length);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    const fields = endToEndFields(fieldsOfRaw(controller.rawHeaders));
    if (status < 200) {
      this.#informational += 1;
      if (this.#informational <= maxInformational) this.#stream.respond({ status, fields });
      return;
    }
    this.#headSent = true;
    this.#stream.respond({ status, fields });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const taken = this.#stream.write(chunk);
    if (taken === chunk.length) return;
    this.#pending = chunk.subarray(taken);
    controller.pause();
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    this.#stream.end(fieldsOfRaw(controller.rawTrailers));
    this.#finish();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#over) return;
    if (this.#maySendAgain(error)) {
      this.#retried = true;
      this.dispatch();
      return;
    }
    const code = this.#resetCode(error);
    const detail = `${systemCode(error) ?? error.name}: ${error.message}`;
    this.#stream.reset(code, detail);
    this.#finish(code, detail);
  }

  /** A pooled connection that the endpoint closed just as it was used again; only without a body that may be gone. */
  #maySendAgain(error: Error): boolean {
    const sendable = this.#body === null && idempotentMethods.has(this.#stream.head.method);
    return sendable && !this.#retried && !this.#headSent && this.#controller !== undefined && isClosed(error);
  }

  #resetCode(error: Error): ResetCode {
    const code = systemCode(error) ?? "";
    if (code === "UND_ERR_INVALID_ARG" || code === "UND_ERR_REQ_CONTENT_LENGTH_MISMATCH") return "internal";
    // What is said of a connection promises that nothing has reached the endpoint; the first attempt may have.
    if (this.#controller === undefined) return this.#retried ? "endpoint_reset" : connectFailure(error);
    if (error.name === "HTTPParserError" || error instanceof RangeError || protocolErrors.has(code))
      return "endpoint_protocol_error";
    return "endpoint_reset";
  }

  #abort(): void {
    this.#controller?.abort(new Error("the stream was reset"));
    this.#body?.destroy();
  }

  #finish(code?: ResetCode, detail?: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#pending = undefined;
    // Of a body that the endpoint did not want: without its credit the client could not even end it.
    this.#stream.consumed(this.#stream.unconsumedBytes);
    this.#onEnded(code, detail);
  }
}

const closedCodes = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]);
const protocolErrors = new Set(["UND_ERR_HEADERS_OVERFLOW", "UND_ERR_RES_CONTENT_LENGTH_MISMATCH"]);

const isClosed = (error: Error): boolean => closedCodes.has(systemCode(error) ?? "");

/** undici's own option that its types lack. */
type RequestOptions = Dispatcher.DispatchOptions & { readonly servername: string };

function requestOptions(head: OpenHead, body: Readable | null): RequestOptions {
  const headers = ["host", head.authority];
  for (const [name, value] of endToEndFields(head.fields, droppedRequestFields)) headers.push(name, value);
  // Without it undici takes the name from Host, and drops the connection whenever the next request has another one.
  return { path: head.target, method: head.method, headers, body, servername: "endpoint" };
}
