// One exchange over HTTP/2 with an endpoint: both directions stream at once, trailers come back, and either side's reset
// reaches the other. What is particular to gRPC is in `grpc-call.ts`.
import { constants, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import { limits } from "#contract/limits.ts";
import { speaksTls } from "#contract/snapshot.ts";
import type { ResetCode } from "#contract/tunnel/code.ts";
import type { Fields } from "#contract/tunnel/head.ts";
import type { StreamHandlers, TunnelStream } from "#traffic/tunnel/stream.ts";
import { systemCode } from "./agent-error.ts";
import { connectFailure } from "./connect-failure.ts";
import type { SliceEndpoint } from "./config-slice.ts";
import { announcedTrailers, droppedRequestFields, endToEndFields, fieldsOfRaw } from "./fields.ts";
import type { ExchangeEnded } from "./endpoint-answer.ts";
import { GrpcCall } from "./grpc-call.ts";
import type { Http2Pool } from "./http2-pool.ts";

/** Starts the exchange and returns the handlers of its stream. `ended`: the request has no body. */
export function forwardHttp2(
  stream: TunnelStream,
  target: SliceEndpoint,
  pool: Http2Pool,
  ended: boolean,
  onEnded: ExchangeEnded,
): StreamHandlers {
  const exchange = new Http2Exchange(stream, target, pool, ended, onEnded);
  exchange.start();
  return exchange;
}

class Http2Exchange implements StreamHandlers {
  readonly #stream: TunnelStream;
  readonly #target: SliceEndpoint;
  readonly #pool: Http2Pool;
  readonly #onEnded: ExchangeEnded;
  readonly #grpc: GrpcCall;
  #session: ClientHttp2Session | undefined;
  #request: ClientHttp2Stream | undefined;
  /** What the client sent before there was a connection; bounded by the stream's window. */
  #early: Uint8Array[] = [];
  #clientEnded: boolean;
  #clientTrailers: Fields = [];
  /** Response bytes that the window did not take; the endpoint is paused while there are any. */
  #pending: Uint8Array[] = [];
  #informational = 0;
  #headSent = false;
  /** The endpoint's, or those in their place. */
  #trailers: Fields = [];
  /** The answer is complete, but for what is pending. */
  #ending = false;
  #over = false;

  constructor(
    stream: TunnelStream,
    target: SliceEndpoint,
    pool: Http2Pool,
    ended: boolean,
    onEnded: ExchangeEnded,
  ) {
    this.#stream = stream;
    this.#target = target;
    this.#pool = pool;
    this.#clientEnded = ended;
    this.#onEnded = onEnded;
    this.#grpc = new GrpcCall(stream.head.fields, target.protocol, (status, message) => {
      this.#request?.close(constants.NGHTTP2_CANCEL);
      this.#answerStatus(status, message);
    });
  }

  start(): void {
    this.#pool.acquire((error, session) => {
      if (this.#over) return;
      if (session) this.#open(session);
      else this.#fail(connectFailure(error), error);
    });
  }

  // --- from the tunnel ----------------------------------------------------------------------------------------------

  onData(chunk: Uint8Array): void {
    const request = this.#request;
    if (this.#over || request?.destroyed || request?.closed) {
      // The endpoint has answered without reading the rest: let the client finish, into nothing.
      this.#stream.consumed(chunk.length);
    } else if (request) this.#write(request, chunk);
    else this.#early.push(chunk);
  }

  onEnd(trailers: Fields): void {
    this.#clientEnded = true;
    this.#clientTrailers = trailers;
    this.#request?.end();
  }

  onReset({ code }: { code: ResetCode }): void {
    this.#request?.close(constants.NGHTTP2_CANCEL);
    this.#finish(code);
  }

  onWritable(): void {
    this.#guard(() => {
      if (this.#flush()) this.#request?.resume();
    });
  }

  // --- to and from the endpoint -------------------------------------------------------------------------------------

  #open(session: ClientHttp2Session): void {
    let request: ClientHttp2Stream;
    try {
      request = session.request(this.#requestHeaders(), {
        endStream: this.#clientEnded && !this.#early.length && !this.#clientTrailers.length,
        waitForTrailers: announcedTrailers(this.#stream.head.fields) !== undefined,
      });
    } catch (error) {
      return this.#fail("internal", error);
    }
    this.#pool.opened(session);
    this.#session = session;
    this.#request = request;
    request
      .once("wantTrailers", () => this.#guard(() => request.sendTrailers(http2Fields(this.#clientTrailers))))
      .on("headers", (_headers, _flags, raw) => this.#guard(() => this.#inform(raw as string[])))
      .once("response", (_headers, flags, raw) => this.#guard(() => this.#respond(flags, raw)))
      .once("trailers", (_trailers, _flags, raw) => (this.#trailers = fieldsOfRaw(raw)))
      .on("data", (chunk: Buffer) => this.#receive(chunk))
      .once("end", () => this.#guard(() => this.#ended(request)))
      .on("error", (error) => this.#broken(error))
      .once("close", () => {
        this.#pool.ended(session);
        this.#closed();
      });
    for (const chunk of this.#early.splice(0)) this.#write(request, chunk);
    if (this.#clientEnded) request.end();
  }

  /** Heads and trailers may be longer than a tunnel takes. */
  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#request?.close(constants.NGHTTP2_CANCEL);
      this.#fail("endpoint_protocol_error", error);
    }
  }

  #requestHeaders(): Record<string, string | string[]> {
    const { method, authority, target, fields } = this.#stream.head;
    const headers: Record<string, string | string[]> = {
      ":method": method,
      ":scheme": speaksTls(this.#target.protocol) ? "https" : "http",
      ":authority": authority,
      ":path": target,
    };
    Object.assign(
      headers,
      http2Fields(this.#grpc.requestFields(endToEndFields(fields, droppedRequestFields))),
    );
    const trailer = announcedTrailers(fields);
    if (trailer !== undefined) headers["trailer"] = trailer;
    // Whoever serves gRPC may insist on it; for others it holds where the hub can pass trailers on.
    if (this.#grpc.isGrpc || fields.some(([name]) => name === "te")) headers["te"] = "trailers";
    return headers;
  }

  #write(request: ClientHttp2Stream, chunk: Uint8Array): void {
    let bytes: Uint8Array;
    try {
      bytes = this.#grpc.decodeRequest(chunk);
    } catch (error) {
      request.close(constants.NGHTTP2_CANCEL);
      return this.#fail("cancelled", error);
    }
    request.write(bytes, () => this.#stream.consumed(chunk.length));
  }

  #inform(raw: string[]): void {
    this.#informational += 1;
    const fields = fieldsOfRaw(raw);
    const status = Number(fields.find(([name]) => name === ":status")?.[1]);
    if (this.#over || this.#informational > limits.informationalHeads || status === 101) return;
    this.#stream.respond({ status, fields: endToEnd(fields) });
  }

  #respond(flags: number, raw: string[]): void {
    if (this.#over) return;
    const fields = fieldsOfRaw(raw);
    const status = Number(fields.find(([name]) => name === ":status")?.[1]);
    this.#headSent = true;
    const end = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    this.#stream.respond({ status, fields: this.#grpc.responseFields(endToEnd(fields)) }, { end });
    if (end) this.#finish();
  }

  #receive(chunk: Buffer): void {
    if (this.#over) return;
    this.#pending.push(this.#grpc.encodeResponse(chunk));
    if (!this.#flush()) this.#request?.pause();
  }

  /** True when nothing is left to send. */
  #flush(): boolean {
    for (let next = this.#pending[0]; next && !this.#over; next = this.#pending[0]) {
      const taken = this.#stream.write(next);
      if (taken < next.length) {
        this.#pending[0] = next.subarray(taken);
        return false;
      }
      this.#pending.shift();
    }
    if (this.#ending && !this.#over) {
      this.#stream.end(this.#trailers);
      this.#finish();
    }
    return true;
  }

  /** Node ends a stream that was reset, too. Trailers are always the end, whatever comes behind them. */
  #ended({ rstCode }: ClientHttp2Stream): void {
    if (rstCode === constants.NGHTTP2_NO_ERROR || this.#trailers.length > 0) this.#end();
    else this.#closed();
  }

  #end(): void {
    if (this.#over || this.#ending || !this.#headSent) return;
    const { body, trailers } = this.#grpc.end(this.#trailers);
    if (body) this.#pending.push(body);
    this.#trailers = trailers;
    this.#ending = true;
    this.#flush();
  }

  #broken(error: Error): void {
    if (this.#over || this.#ending) return;
    // Of a lost connection Node makes a reset of each stream, which says nothing.
    const rstCode = this.#session?.destroyed ? undefined : this.#request?.rstCode;
    if (this.#headSent && this.#grpc.isGrpc) {
      return this.#answerStatus(...this.#grpc.statusOfReset(rstCode, error));
    }
    this.#fail(resetCode(error, rstCode), error);
  }

  /** `error` does not come for every code. */
  #closed(): void {
    if (!this.#over && !this.#ending) this.#broken(new Error("the endpoint reset the stream"));
  }

  /** Ends a call of gRPC in place of the endpoint. */
  #answerStatus(status: number, message: string): void {
    if (this.#over || this.#ending) return;
    const fields = this.#grpc.statusFields(status, message);
    if (this.#headSent) {
      this.#trailers = fields;
      return this.#end();
    }
    this.#stream.respond({ status: 200, fields: this.#grpc.statusHead(fields) }, { end: true });
    this.#finish();
  }

  #fail(code: ResetCode, error: unknown): void {
    if (this.#over) return;
    const detail = error instanceof Error ? `${systemCode(error) ?? error.name}: ${error.message}` : "";
    this.#stream.reset(code, detail);
    this.#finish(code, detail);
  }

  #finish(code?: ResetCode, detail?: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#grpc.close();
    this.#pending = [];
    this.#early = [];
    this.#stream.consumed(this.#stream.unconsumedBytes);
    // The endpoint has answered, and takes no more: whoever streams should not go on for nothing.
    if (!this.#clientEnded) {
      this.#request?.close(constants.NGHTTP2_NO_ERROR);
      this.#stream.reset("cancelled", "the answer is complete");
    }
    this.#onEnded(code, detail);
  }
}

/** As node:http2 wants them, each name once. */
function http2Fields(fields: Fields): Record<string, string | string[]> {
  const named = Object.create(null) as Record<string, string | string[]>;
  for (const [name, value] of fields) {
    const before = named[name];
    named[name] = before === undefined ? value : [before, value].flat();
  }
  return named;
}

/** Without pseudo-fields. */
function endToEnd(fields: Fields): Fields {
  return endToEndFields(fields.filter(([name]) => !name.startsWith(":")));
}

const protocolErrors: ReadonlySet<number> = new Set([
  constants.NGHTTP2_PROTOCOL_ERROR,
  constants.NGHTTP2_FLOW_CONTROL_ERROR,
  constants.NGHTTP2_FRAME_SIZE_ERROR,
  constants.NGHTTP2_COMPRESSION_ERROR,
  constants.NGHTTP2_HTTP_1_1_REQUIRED,
]);

function resetCode(error: Error, rstCode: number | undefined): ResetCode {
  // RFC 9113 §8.7: nothing of the request was processed.
  if (rstCode === constants.NGHTTP2_REFUSED_STREAM) return "refused";
  const violated = rstCode !== undefined && protocolErrors.has(rstCode);
  return violated || systemCode(error) === "ERR_HTTP2_ERROR" ? "endpoint_protocol_error" : "endpoint_reset";
}
