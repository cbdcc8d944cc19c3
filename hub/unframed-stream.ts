// A request's body that comes in frames, on its way into a stream: its data, and the trailers behind it (decision 0020).
import { BodyFrameReader } from "#contract/body-frames.ts";
import type { UploadStream } from "./http-call.ts";

export class UnframedStream implements UploadStream {
  readonly #stream: UploadStream;
  readonly #reader = new BodyFrameReader();
  /** Called when the body turns out to be no such body. */
  readonly #onBroken: (detail: string) => void;
  /** What the stream has not taken; nothing else is taken meanwhile. */
  #waiting: Uint8Array[] = [];
  #ended = false;

  constructor(stream: UploadStream, onBroken: (detail: string) => void) {
    this.#stream = stream;
    this.#onBroken = onBroken;
  }

  write(chunk: Uint8Array): number {
    if (this.#waiting.length > 0) return 0;
    try {
      this.#waiting = this.#reader.read(chunk);
    } catch (error) {
      this.#onBroken(String(error));
      return chunk.length;
    }
    this.#flush();
    // The buffer is the caller's again.
    this.#waiting = this.#waiting.map((piece) => piece.slice());
    return chunk.length;
  }

  /** The stream takes more. */
  writable(): void {
    this.#flush();
  }

  end(): void {
    this.#ended = true;
    this.#flush();
  }

  reset: UploadStream["reset"] = (code, detail) => this.#stream.reset(code, detail);

  #flush(): void {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      const taken = this.#stream.write(next);
      if (taken < next.length) {
        this.#waiting[0] = next.subarray(taken);
        return;
      }
      this.#waiting.shift();
    }
    if (!this.#ended) return;
    if (this.#reader.trailers) this.#stream.end(this.#reader.trailers);
    else this.#onBroken("the request broke off");
  }
}
