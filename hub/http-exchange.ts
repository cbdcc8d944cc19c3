// One request of the data path over one stream: sends head and body, resolves with the endpoint's answer.
import { requestTrailersHeader } from "#contract/body-frames.ts";
import { errorTable } from "#contract/error.ts";
import type { Fields, OpenHead, ResponseHead } from "#contract/tunnel/head.ts";
import { grpcProtocolOf } from "#traffic/grpc/content-type.ts";
import { grpcStatusFields, grpcStatusOfError } from "#traffic/grpc/status.ts";
import type { TunnelSession } from "#traffic/tunnel/session.ts";
import type { StreamHandlers, StreamReset, TunnelStream } from "#traffic/tunnel/stream.ts";
import { isIdempotent } from "#traffic/retry/retry-policy.ts";
import type { WaitingStreams } from "#traffic/tunnel/waiting-streams.ts";
import type { WaitingExchange } from "./agent-connection.ts";
import type { Download, HttpCall, Upload, UploadStream } from "./http-call.ts";
import type { OpenRelays } from "./open-relays.ts";
import { failureOf } from "./tunnel-failure.ts";
import { UnframedStream } from "./unframed-stream.ts";
import { WebSocketRelay } from "./websocket-relay.ts";

export type ExchangeResult<A> =
  | { readonly type: "answer"; readonly answer: A }
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
export async function exchange<A>(
  agent: Answerer,
  call: HttpCall<A>,
  relays: OpenRelays,
): Promise<ExchangeResult<A>> {
  const run = new HttpExchange(call, relays);
  if (!agent.session || !run.start(agent.session)) return { type: "busy" };
  agent.waiting.started(run, Date.now());
  const result = await run.result();
  agent.waiting.ended(run, result.type === "answer", Date.now());
  return result;
}

/** Whether a request may reach an endpoint twice: its method is idempotent, and it has no body that may be gone. */
export function isRepeatable({ head, hasBody }: HttpCall<unknown>): boolean {
  return head.kind === "http" && !hasBody && isIdempotent(head.method);
}

class HttpExchange<A> implements StreamHandlers, WaitingExchange {
  readonly #call: HttpCall<A>;
  readonly #relays: OpenRelays;
  readonly #answer = Promise.withResolvers<ResponseHead | StreamReset>();
  #stream!: TunnelStream;
  #upload: Upload | undefined;
  /** Takes the body out of its frames. */
  #unframed: UnframedStream | undefined;
  #download!: Download<A>;
  #relay: WebSocketRelay | undefined;
  /** What an endpoint says with its answer to a handshake, before there is a relay. */
  #early: ((relay: WebSocketRelay) => void)[] = [];
  #framed = false;
  /** Settles when the client has been told of all informational answers so far. */
  #informed: Promise<void> | undefined;
  #ended = false;
  /** What broke an answer off that had begun. */
  #lost: StreamReset | undefined;

  constructor(call: HttpCall<A>, relays: OpenRelays) {
    this.#call = call;
    this.#relays = relays;
  }

  start(session: TunnelSession): boolean {
    const { hasBody, aborted } = this.#call;
    const head = headForAgent(this.#call.head);
    const stream = session.open(head, this, !hasBody && head.kind === "http");
    if (!stream) return false;
    this.#stream = stream;
    this.#download = this.#call.download(stream);
    if (aborted) this.#leave();
    else this.#call.onAbort(() => this.#leave());
    return true;
  }

  async result(): Promise<ExchangeResult<A>> {
    const { head, hasBody } = this.#call;
    if (hasBody && head.kind === "http") this.#upload = this.#call.upload(this.#uploadStream());
    const answer = await this.#answer.promise;
    if (this.#informed) await this.#informed;
    const stream = this.#stream.id;
    if ("code" in answer) return { type: "reset", stream, reset: answer };
    // Nobody has heard of it yet.
    if (this.#lost) return { type: "reset", stream, reset: this.#lost };
    try {
      return { type: "answer", answer: this.#begin(answer) };
    } catch (error) {
      this.#stream.reset("cancelled", String(error));
      const detail = `the endpoint's answer is not valid: ${String(error)}`;
      return { type: "reset", stream, reset: { code: "endpoint_protocol_error", detail, safe: false } };
    }
  }

  #uploadStream(): UploadStream {
    if (!isFramed(this.#call.head)) return this.#stream;
    return (this.#unframed = new UnframedStream(this.#stream, (detail) => this.#break(detail)));
  }

  #begin(head: ResponseHead): A {
    const { status } = head;
    if (status === 101) {
      const { answer, socket } = this.#call.upgrade(head);
      this.#relay = new WebSocketRelay(this.#stream, socket, () => this.#relays.delete(this.#relay!));
      this.#relays.add(this.#relay, this.#call.gatewayProcess);
      for (const event of this.#early) event(this.#relay);
      this.#early = [];
      return answer;
    }
    const hasNone = isBodiless(status) || this.#call.head.method === "HEAD";
    if (hasNone || !this.#takesFrames(head)) return this.#download.begin(head, hasNone ? "none" : "plain");
    this.#framed = true;
    return this.#download.begin(head, "framed");
  }

  /** A body with a length has no trailers in HTTP/1.1; gRPC may have both. */
  #takesFrames({ fields }: ResponseHead): boolean {
    if (this.#call.trailersToken === undefined || !this.#download.mayHaveTrailers) return false;
    return contentLength(fields) === undefined || this.#isGrpc;
  }

  get #isGrpc(): boolean {
    const type = this.#call.head.fields.find(([name]) => name === "content-type");
    return grpcProtocolOf(type?.[1] ?? null) === "grpc";
  }

  moveOn(): void {
    if (!this.#stream.open || !isRepeatable(this.#call)) return;
    const detail = "the agent does not answer";
    this.#stream.reset("cancelled", detail);
    this.onReset({ code: "connection_lost", detail, safe: false });
  }

  /** The client is gone: nobody is told but the agent. */
  #leave(): void {
    this.#break("the client left");
  }

  #break(detail: string): void {
    if (!this.#stream.open) return;
    this.#stream.reset("cancelled", detail);
    this.onReset({ code: "cancelled", detail, safe: false });
  }

  onHead(head: ResponseHead): void {
    if (head.status >= 200 || head.status === 101) this.#answer.resolve(head);
    else this.#informed = this.#call.inform?.(head);
  }

  onData(chunk: Uint8Array): void {
    this.#download.data(chunk);
  }

  onEnd(trailers: Fields): void {
    this.#ended = true;
    this.#download.end(trailers);
  }

  onMessage(chunk: Uint8Array, kind: { readonly text: boolean; readonly last: boolean }): void {
    this.#toRelay((relay) => relay.receive(chunk, kind));
  }

  onPing(payload: Uint8Array): void {
    this.#stream.pong(payload);
  }

  onClose(code: number, reason: string): void {
    this.#toRelay((relay) => relay.closed(code, reason));
  }

  #toRelay(event: (relay: WebSocketRelay) => void): void {
    if (this.#relay) event(this.#relay);
    else this.#early.push(event);
  }

  onReset(reset: StreamReset): void {
    this.#answer.resolve(reset);
    if (!this.#ended) this.#lost = reset;
    this.#upload?.stop();
    this.#relay?.fail(reset);
    // A call of gRPC ends with a status, whatever ends it.
    if (this.#framed && this.#isGrpc) this.#download.end(grpcFields(reset));
    else this.#download.fail(`${reset.code}: ${reset.detail}`);
  }

  onWritable(): void {
    this.#unframed?.writable();
    this.#upload?.writable();
    this.#relay?.writable();
  }
}

function isFramed({ fields }: OpenHead): boolean {
  return fields.some(([name]) => name === requestTrailersHeader);
}

/** What the gateway says of trailers in its own words is told to the agent in those of HTTP. */
function headForAgent(head: OpenHead): OpenHead {
  if (!isFramed(head)) return head;
  const fields = head.fields.map(
    ([name, value]) => [name === requestTrailersHeader ? "trailer" : name, value] as const,
  );
  return { ...head, fields };
}

function grpcFields(reset: StreamReset): Fields {
  const { code } = failureOf(reset);
  return grpcStatusFields(grpcStatusOfError(code), `${code}: ${errorTable[code].title}`);
}

/** Statuses whose answers have no body (RFC 9110 §6.4.1). */
function isBodiless(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}

/** Undefined where there is none, or more than one. */
export function contentLength(fields: Fields): number | undefined {
  const [only, ...more] = fields.filter(([name]) => name === "content-length");
  return only && more.length === 0 && /^[0-9]{1,15}$/.test(only[1]) ? Number(only[1]) : undefined;
}
