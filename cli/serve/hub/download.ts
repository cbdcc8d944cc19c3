// An endpoint's answer on its way from a stream to a gateway: credit returns when the kernel has taken the bytes. An answer
// that is complete when it begins leaves as one piece.
import type { ServerResponse } from "node:http";
import { dataFrame, trailersFrame } from "#contract/body-frames.ts";
import { internalHeaders, isInternalHeader } from "#contract/internal-headers.ts";
import type { Fields, ResponseHead } from "#contract/tunnel/head.ts";
import type { BodyShape, Download } from "#hub/http-call.ts";
import { contentLength } from "#hub/http-exchange.ts";
import { hopByHopNames } from "#traffic/forwarding/hop-by-hop.ts";
import type { TunnelStream } from "#traffic/tunnel/stream.ts";

/** What an agent may not say about the connection to the gateway. */
export const connectionNames: ReadonlySet<string> = new Set([...hopByHopNames, "upgrade"]);

export class GatewayDownload implements Download<void> {
  readonly #response: ServerResponse;
  readonly #stream: TunnelStream;
  readonly #trailersToken: string | undefined;
  /** Until the answer begins. */
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
  #shape: BodyShape | undefined;
  /** Of the length that the head declares, what is to come. */
  #restBytes: number | undefined;
  #trailers: Fields = [];
  #ended = false;

  constructor(response: ServerResponse, stream: TunnelStream, trailersToken: string | undefined) {
    this.#response = response;
    this.#stream = stream;
    this.#trailersToken = trailersToken;
  }

  get mayHaveTrailers(): boolean {
    return !this.#ended || this.#trailers.length > 0;
  }

  begin({ status, fields }: ResponseHead, shape: BodyShape): void {
    if (status < 200 || status > 599) throw new RangeError(`status ${status}`);
    const declaredBytes = shape === "plain" ? contentLength(fields) : undefined;
    const head = headOf(fields, shape, status);
    if (shape === "framed") head.push(internalHeaders.trailers, this.#trailersToken!);
    const isWhole = this.#ended && shape === "plain";
    if (isWhole && declaredBytes === undefined) head.push("content-length", String(this.#earlyBytes));
    if (isWhole && declaredBytes !== undefined && declaredBytes !== this.#earlyBytes) {
      throw new RangeError(`${this.#earlyBytes} bytes where ${declaredBytes} are declared`);
    }
    this.#response.writeHead(status, head);
    this.#shape = shape;
    this.#restBytes = declaredBytes;
    const early = this.#early;
    this.#early = [];
    if (shape === "none") {
      this.#stream.consumed(this.#earlyBytes);
      this.#response.end();
    } else if (isWhole) {
      this.#response.end(early.length === 1 ? early[0] : Buffer.concat(early));
      this.#stream.consumed(this.#earlyBytes);
    } else {
      if (early.length === 0) this.#response.flushHeaders();
      for (const chunk of early) this.#pass(chunk);
      if (this.#ended) this.#finish();
    }
  }

  data(chunk: Uint8Array): void {
    if (this.#shape === "none") return this.#stream.consumed(chunk.length);
    if (this.#shape !== undefined) return this.#pass(chunk);
    this.#early.push(chunk);
    this.#earlyBytes += chunk.length;
  }

  end(trailers: Fields): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#trailers = trailers;
    if (this.#shape !== undefined && this.#shape !== "none") this.#finish();
  }

  fail(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#shape !== undefined && this.#shape !== "none") this.#response.destroy();
  }

  #pass(chunk: Uint8Array): void {
    if (this.#restBytes !== undefined && (this.#restBytes -= chunk.length) < 0) {
      // What follows would be taken for the next answer.
      this.#stream.reset("cancelled", "the endpoint's answer is longer than it declares");
      return this.fail();
    }
    const bytes = this.#shape === "framed" ? dataFrame(chunk) : chunk;
    this.#response.write(bytes, () => this.#stream.consumed(chunk.length));
  }

  #finish(): void {
    // Shorter than it declares: the gateway is to see that it broke off.
    if (this.#restBytes !== undefined && this.#restBytes > 0) return void this.#response.destroy();
    if (this.#shape === "framed") this.#response.end(trailersFrame(this.#trailers));
    else this.#response.end();
  }
}

/** Name, value, name, value, …, without a length that does not hold. */
function headOf(fields: Fields, shape: BodyShape, status: number): string[] {
  const hasLength =
    shape !== "framed" && status !== 204 && status !== 205 && contentLength(fields) !== undefined;
  const head: string[] = [];
  for (const [name, value] of fields) {
    if (connectionNames.has(name) || isInternalHeader(name)) continue;
    if (name !== "content-length" || hasLength) head.push(name, value);
  }
  return head;
}
