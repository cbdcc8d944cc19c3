// One request of the data path over one stream: sends head and body, resolves with the endpoint's answer.
import { errorTable } from "#contract/error.ts";
import type { Fields, OpenHead, ResponseHead } from "#contract/tunnel/head.ts";
import { grpcProtocolOf } from "#traffic/grpc/content-type.ts";
import { grpcStatusFields, grpcStatusOfError } from "#traffic/grpc/status.ts";
import type { TunnelSession } from "#traffic/tunnel/session.ts";
import type { StreamHandlers, StreamReset, TunnelStream } from "#traffic/tunnel/stream.ts";
import { isIdempotent } from "#traffic/retry/retry-policy.ts";
import type { WaitingStreams } from "#traffic/tunnel/waiting-streams.ts";
import type { WaitingExchange } from "./agent-connection.ts";
import { internalHeaders } from "./internal-headers.ts";
import { headersOf, isBodiless } from "./open-head.ts";
import type { OpenRelays } from "./open-relays.ts";
import { RequestBody } from "./request-body.ts";
import { ResponseBody } from "./response-body.ts";
import { failureOf } from "./tunnel-failure.ts";
import { WebSocketRelay } from "./websocket-relay.ts";

export type ExchangeResult =
  | { readonly type: "response"; readonly response: Response }
  /** No answer came. */
  | { readonly type: "reset"; readonly stream: number; readonly reset: StreamReset }
  /** The session takes no stream now. */
  | { readonly type: "busy" };

/** Who is asked, and what it keeps of those who ask. */
export interface Answerer {
  readonly session: TunnelSession | undefined;
  readonly waiting: WaitingStreams<WaitingExchange>;
}

/** Never rejects. The stream is reset when the client leaves before the answer is complete. */
export async function exchange(
  agent: Answerer,
  head: OpenHead,
  request: Request,
  relays: OpenRelays,
): Promise<ExchangeResult> {
  const run = new HttpExchange(head, request, relays);
  if (!agent.session || !run.start(agent.session)) return { type: "busy" };
  agent.waiting.started(run, Date.now());
  const result = await run.result();
  agent.waiting.ended(run, result.type === "response", Date.now());
  return result;
}

/** Whether a request may reach an endpoint twice: its method is idempotent, and it has no body that may be gone. */
export function isRepeatable(head: OpenHead, request: Request): boolean {
  return head.kind === "http" && request.body === null && isIdempotent(head.method);
}

class HttpExchange implements StreamHandlers, WaitingExchange {
  readonly #request: Request;
  readonly #head: OpenHead;
  readonly #relays: OpenRelays;
  readonly #answer = Promise.withResolvers<ResponseHead | StreamReset>();
  #stream!: TunnelStream;
  #upload: RequestBody | undefined;
  #download!: ResponseBody;
  #relay: WebSocketRelay | undefined;
  #framed = false;

  constructor(head: OpenHead, request: Request, relays: OpenRelays) {
    this.#head = head;
    this.#request = request;
    this.#relays = relays;
  }

  start(session: TunnelSession): boolean {
    const { body, signal } = this.#request;
    const stream = session.open(this.#head, this, body === null && this.#head.kind === "http");
    if (!stream) return false;
    this.#stream = stream;
    this.#download = new ResponseBody(stream);
    if (signal.aborted) this.#leave();
    else signal.addEventListener("abort", () => this.#leave());
    return true;
  }

  async result(): Promise<ExchangeResult> {
    this.#sendBody();
    const answer = await this.#answer.promise;
    const stream = this.#stream.id;
    if ("code" in answer) return { type: "reset", stream, reset: answer };
    try {
      return { type: "response", response: this.#response(answer) };
    } catch (error) {
      this.#stream.reset("cancelled", String(error));
      const detail = `the endpoint's answer is not valid: ${String(error)}`;
      return { type: "reset", stream, reset: { code: "endpoint_protocol_error", detail, safe: false } };
    }
  }

  #sendBody(): void {
    const { body, headers } = this.#request;
    if (body === null || this.#head.kind !== "http") return;
    this.#upload = new RequestBody(this.#stream);
    // Its end is the stream's business; it never rejects.
    void this.#upload.send(body, contentLength(headers));
  }

  #response(head: ResponseHead): Response {
    const { status } = head;
    const headers = headersOf(head.fields);
    if (status === 101) {
      const [client, server] = Object.values(new WebSocketPair());
      this.#relay = new WebSocketRelay(this.#stream, server!, () => this.#relays.delete(this.#relay!));
      this.#relays.add(this.#relay, this.#request.headers.get(internalHeaders.gatewayProcess));
      return new Response(null, { status, headers, webSocket: client! });
    }
    if (isBodiless(status) || this.#request.method === "HEAD") {
      this.#download.discard();
      return new Response(null, { status, headers });
    }
    if (this.#takesFrames(headers)) return this.#framedResponse(status, headers);
    const body = this.#download.take(contentLength(headers));
    // "manual": the endpoint's content-encoding describes bytes that pass as they are.
    return new Response(body, { status, headers, encodeBody: "manual" });
  }

  /** A body with a length has no trailers in HTTP/1.1; gRPC may have both. */
  #takesFrames(headers: Headers): boolean {
    const asked = this.#request.headers.has(internalHeaders.trailers);
    if (!asked || !this.#download.mayHaveTrailers) return false;
    return contentLength(headers) === undefined || this.#isGrpc;
  }

  #framedResponse(status: number, headers: Headers): Response {
    headers.delete("content-length");
    headers.set(internalHeaders.trailers, this.#request.headers.get(internalHeaders.trailers)!);
    this.#framed = true;
    return new Response(this.#download.takeFramed(), { status, headers, encodeBody: "manual" });
  }

  get #isGrpc(): boolean {
    return grpcProtocolOf(this.#request.headers.get("content-type")) === "grpc";
  }

  moveOn(): void {
    if (!this.#stream.open || !isRepeatable(this.#head, this.#request)) return;
    const detail = "the agent does not answer";
    this.#stream.reset("cancelled", detail);
    this.onReset({ code: "connection_lost", detail, safe: false });
  }

  /** The client is gone: nobody is told but the agent. */
  #leave(): void {
    if (!this.#stream.open) return;
    const detail = "the client left";
    this.#stream.reset("cancelled", detail);
    this.onReset({ code: "cancelled", detail, safe: false });
  }

  onHead(head: ResponseHead): void {
    // Workers have no way to send informational heads on.
    if (head.status >= 200 || head.status === 101) this.#answer.resolve(head);
  }

  onData(chunk: Uint8Array): void {
    this.#download.data(chunk);
  }

  onEnd(trailers: Fields): void {
    this.#download.end(trailers);
  }

  onMessage(chunk: Uint8Array, kind: { readonly text: boolean; readonly last: boolean }): void {
    this.#relay?.receive(chunk, kind);
  }

  onPing(payload: Uint8Array): void {
    this.#stream.pong(payload);
  }

  onClose(code: number, reason: string): void {
    this.#relay?.closed(code, reason);
  }

  onReset(reset: StreamReset): void {
    this.#answer.resolve(reset);
    this.#upload?.stop();
    this.#relay?.fail(reset);
    // A call of gRPC ends with a status, whatever ends it.
    if (this.#framed && this.#isGrpc) this.#download.end(grpcFields(reset));
    else this.#download.fail(`${reset.code}: ${reset.detail}`);
  }

  onWritable(): void {
    this.#upload?.writable();
    this.#relay?.writable();
  }
}

function grpcFields(reset: StreamReset): Fields {
  const { code } = failureOf(reset);
  return grpcStatusFields(grpcStatusOfError(code), `${code}: ${errorTable[code].title}`);
}

function contentLength(headers: Headers): number | undefined {
  const text = headers.get("content-length");
  return text !== null && /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
}
