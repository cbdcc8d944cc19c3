// HTTP/1.1 exchanges with an endpoint: request body, response and trailers stream through with backpressure both ways and
// nothing is buffered beyond the windows.
import { Readable } from "node:stream";
import type { Dispatcher, Pool } from "undici";
import type { ResetCode } from "#contract/tunnel/code.ts";
import type { OpenHead } from "#contract/tunnel/head.ts";
import type { StreamHandlers, TunnelStream } from "#traffic/tunnel/stream.ts";
import { systemCode } from "./agent-error.ts";
import { connectFailure } from "./connect-failure.ts";
import { EndpointAnswer, type ExchangeEnded } from "./endpoint-answer.ts";
import { droppedRequestFields, endToEndFields } from "./fields.ts";

/** RFC 9110 §9.2.2: sent again after a broken connection without asking anybody. */
const idempotentMethods = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

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
  readonly #answer: EndpointAnswer;
  readonly #body: Readable | null;
  #controller: Dispatcher.DispatchController | undefined;
  #retried = false;

  constructor(stream: TunnelStream, pool: Pool, ended: boolean, onEnded: ExchangeEnded) {
    this.#stream = stream;
    this.#pool = pool;
    this.#answer = new EndpointAnswer(stream, onEnded);
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
    if (this.#answer.over || this.#body?.destroyed !== false) {
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
    this.#answer.finish(code);
    this.#abort();
  }

  onWritable(): void {
    this.#answer.writable();
  }

  // --- from undici -------------------------------------------------------------------------------------------------

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#answer.over) this.#abort();
  }

  onBodySent(chunk: Buffer): void {
    this.#stream.consumed(chunk.length);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200) this.#answer.inform(status, controller.rawHeaders);
    else this.#answer.begin(status, controller.rawHeaders, controller);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#answer.data(chunk);
  }

  onResponseEnd({ rawTrailers }: Dispatcher.DispatchController): void {
    this.#answer.end(rawTrailers);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#answer.over) return;
    if (this.#maySendAgain(error)) {
      this.#retried = true;
      this.dispatch();
      return;
    }
    this.#answer.fail(this.#resetCode(error), error);
  }

  /** A pooled connection that the endpoint closed just as it was used again; only without a body that may be gone. */
  #maySendAgain(error: Error): boolean {
    const sendable = this.#body === null && idempotentMethods.has(this.#stream.head.method);
    return (
      sendable && !this.#retried && !this.#answer.begun && this.#controller !== undefined && isClosed(error)
    );
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
