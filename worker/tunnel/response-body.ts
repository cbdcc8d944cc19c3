// Body of an answer on its way from the stream's frames to the client, with credit returned as the client reads.
// Measured on workerd (decision 0008): an answer that is complete is fastest as one buffer; else a default
// ReadableStream that is fed as frames arrive carries 3–4 times what writing to an IdentityTransformStream does, and
// unlike a byte stream it does not take frames' shared buffer away.
// For a client that takes trailers the body is in frames, the last of which has them (decision 0012).
import { bodyFrameHeaderBytes, dataFrame, trailersFrame } from "#contract/body-frames.ts";
import type { Fields } from "#contract/tunnel/head.ts";
import type { TunnelStream } from "#traffic/tunnel/stream.ts";

/** Chunks wait here, beyond what the runtime takes by itself; more than this is not asked for. */
const queueBytes = 64 * 1024;

export class ResponseBody {
  readonly #stream: TunnelStream;
  /** Until the body is asked for. */
  #early: Uint8Array[] = [];
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #uncreditedBytes = 0;
  #ended = false;
  #framed = false;
  #trailers: Fields = [];
  #discarding = false;

  constructor(stream: TunnelStream) {
    this.#stream = stream;
  }

  data(chunk: Uint8Array): void {
    if (this.#discarding) return this.#stream.consumed(chunk.length);
    if (!this.#controller) {
      this.#early.push(chunk);
      return;
    }
    this.#uncreditedBytes += chunk.length;
    this.#controller.enqueue(this.#framed ? dataFrame(chunk) : chunk);
    this.#returnCredit();
  }

  end(trailers: Fields = []): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#trailers = trailers;
    if (this.#framed) this.#controller?.enqueue(trailersFrame(trailers));
    this.#controller?.close();
  }

  /** False when the answer is complete, and has none. */
  get mayHaveTrailers(): boolean {
    return !this.#ended || this.#trailers.length > 0;
  }

  /** Before the body was asked for, who asks learns of the failure elsewhere. */
  fail(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#controller?.error(new Error(reason));
  }

  /** The answer has no body; whatever comes is thrown away. */
  discard(): void {
    this.#discarding = true;
    for (const chunk of this.#early) this.#stream.consumed(chunk.length);
    this.#early = [];
  }

  /** The body for a `Response`, in frames. */
  takeFramed(): Uint8Array | ReadableStream<Uint8Array> {
    this.#framed = true;
    if (!this.#ended) return this.#open();
    const parts = [dataFrame(this.#whole() ?? new Uint8Array(0)), trailersFrame(this.#trailers)];
    return joined(parts);
  }

  /** The body for a `Response`. `lengthBytes`: the Content-Length of the head, which workerd keeps for such a stream only. */
  take(lengthBytes: number | undefined): Uint8Array | ReadableStream<Uint8Array> | null {
    if (this.#ended) return this.#whole();
    const body = this.#open();
    if (lengthBytes === undefined) return body;
    const { readable, writable } = new FixedLengthStream(lengthBytes);
    // Either end's failure reaches the other: a short body errors `readable`, a client that left cancels `body`.
    body.pipeTo(writable).catch(() => {});
    return readable;
  }

  #whole(): Uint8Array | null {
    const chunks = this.#early;
    this.#early = [];
    const totalBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    if (totalBytes === 0) return null;
    this.#stream.consumed(totalBytes);
    return chunks.length === 1 ? chunks[0]! : joined(chunks);
  }

  #open(): ReadableStream<Uint8Array> {
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#returnCredit(),
        cancel: () => this.#stream.reset("cancelled", "the client left"),
      },
      // Credit is for what the endpoint sent.
      { highWaterMark: queueBytes, size: ({ length }) => length - (this.#framed ? bodyFrameHeaderBytes : 0) },
    );
    const early = this.#early;
    this.#early = [];
    for (const chunk of early) this.data(chunk);
    return body;
  }

  /** What left the queue was passed on. workerd calls `pull` only when a reader waits at an empty queue (measured). */
  #returnCredit(): void {
    const queuedBytes = queueBytes - (this.#controller?.desiredSize ?? queueBytes);
    const passedBytes = this.#uncreditedBytes - queuedBytes;
    if (passedBytes <= 0) return;
    this.#uncreditedBytes = queuedBytes;
    this.#stream.consumed(passedBytes);
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
