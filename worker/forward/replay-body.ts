// A request's body that can be sent more than once without waiting for its end: what has passed is kept, up to a bound, and
// another attempt begins with it and goes on where the one before stopped. Streams in both directions need that.

export class ReplayBody {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #maxBytes: number;
  readonly #kept: Uint8Array[] = [];
  #keptBytes = 0;
  /** Of the chunks kept, those that the current attempt has taken. */
  #taken = 0;
  #attempt = 0;
  #keeps = true;
  #ended = false;
  #reading: Promise<void> | undefined;

  constructor(source: ReadableStream<Uint8Array>, maxBytes: number) {
    this.#reader = source.getReader();
    this.#maxBytes = maxBytes;
  }

  /** False once more has passed than the bound. */
  get replayable(): boolean {
    return this.#keeps;
  }

  /** The whole body, for one attempt; what an attempt before has not read yet is no longer for it. */
  open(): ReadableStream<Uint8Array> {
    const attempt = ++this.#attempt;
    this.#taken = 0;
    return new ReadableStream({
      pull: async (controller) => {
        while (this.#taken === this.#kept.length && !this.#ended) {
          await this.#read();
          if (attempt !== this.#attempt) return controller.error(new Error("another attempt has begun"));
        }
        const chunk = this.#kept[this.#taken];
        if (chunk === undefined) return controller.close();
        this.#taken += 1;
        if (!this.#keeps) this.settle();
        controller.enqueue(chunk);
      },
      // A source that is abandoned is read no further; between attempts it only waits.
      cancel: (reason) => {
        if (attempt === this.#attempt && !this.#keeps) return this.#reader.cancel(reason);
      },
    });
  }

  /** There will be no other attempt: nothing is kept any more. */
  settle(): void {
    this.#keeps = false;
    this.#kept.splice(0, this.#taken);
    this.#taken = 0;
  }

  /** Appends the next chunk. Rejects as the source does. */
  #read(): Promise<void> {
    this.#reading ??= this.#reader
      .read()
      .then(({ value, done }) => {
        if (done) this.#ended = true;
        else this.#keep(value);
      })
      .finally(() => {
        this.#reading = undefined;
      });
    return this.#reading;
  }

  #keep(chunk: Uint8Array): void {
    this.#kept.push(chunk);
    this.#keptBytes += chunk.length;
    if (this.#keeps && this.#keptBytes > this.#maxBytes) this.settle();
  }
}
