// One direction of a connection on its way into a stream: what the stream does not take yet waits here, which the window
// of whoever sent it bounds, for credit is returned only for what was taken.
import type { TunnelStream } from "./stream.ts";

export class BytePassage {
  /** Bytes that the stream has taken. */
  bytes = 0;
  readonly #taken: (bytes: number) => void;
  readonly #done: () => void;
  #to: TunnelStream | undefined;
  #waiting: Uint8Array[] = [];
  /** Chunks of `#waiting` that have gone. */
  #gone = 0;
  #ended = false;

  /** `taken` is told of bytes that have been passed on: their credit can be returned. `done`: all have, and the end. */
  constructor(taken: (bytes: number) => void, done: () => void) {
    this.#taken = taken;
    this.#done = done;
  }

  /** From now on bytes go there. */
  connect(to: TunnelStream): void {
    this.#to = to;
    this.pass();
  }

  add(chunk: Uint8Array): void {
    this.#waiting.push(chunk);
    this.pass();
  }

  /** Nothing follows what was added. */
  end(): void {
    this.#ended = true;
    this.pass();
  }

  /** The stream may take more. */
  pass(): void {
    const to = this.#to;
    if (!to) return;
    while (this.#gone < this.#waiting.length) {
      const chunk = this.#waiting[this.#gone]!;
      const taken = to.write(chunk);
      this.bytes += taken;
      if (taken > 0) this.#taken(taken);
      if (taken < chunk.length) {
        this.#waiting[this.#gone] = chunk.subarray(taken);
        return;
      }
      this.#gone += 1;
    }
    this.#waiting = [];
    this.#gone = 0;
    if (!this.#ended) return;
    this.#ended = false;
    to.end();
    this.#done();
  }
}
