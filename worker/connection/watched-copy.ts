// A copy of one direction of a connection, read to know that and how many bytes have passed.

/** Size of a read. */
const readBytes = 64 * 1024;

/**
 * Longest time that a copy is left alone after a small read. What the process can carry in so long is the most that the
 * unread copies of all connections together can hold.
 */
const longestRestMs = 200;

export class WatchedCopy {
  readonly #reader: ReadableStreamBYOBReader;
  readonly #restMs: number;
  readonly #seen: () => void;
  readonly #ended: Promise<void>;
  #hurried = false;
  #wake: (() => void) | undefined;
  bytes = 0;

  /** `seen` is called after bytes have passed, at the latest a quarter of `idleMs` later. */
  constructor(copy: ReadableStream<Uint8Array>, idleMs: number | undefined, seen: () => void) {
    this.#reader = copy.getReader({ mode: "byob" });
    this.#restMs = Math.min(longestRestMs, Math.ceil((idleMs ?? Infinity) / 4));
    this.#seen = seen;
    // How the direction ended is told where it is passed on.
    this.#ended = this.#read().catch(() => undefined);
  }

  /** The direction has ended in good order: resolves when all of it is counted. */
  complete(): Promise<void> {
    this.#hurried = true;
    this.#wake?.();
    return this.#ended;
  }

  /** Nobody wants to know more. */
  cut(): void {
    this.#hurried = true;
    this.#wake?.();
    this.#reader.cancel().catch(() => undefined);
  }

  async #read(): Promise<void> {
    let buffer = new ArrayBuffer(readBytes);
    for (;;) {
      const { value, done } = await this.#reader.read(new Uint8Array(buffer));
      if (done) return;
      this.bytes += value.length;
      this.#seen();
      // Bulk is read at once, so that little of it waits; a conversation has time.
      if (value.length < readBytes / 2) await this.#rest();
      buffer = value.buffer as ArrayBuffer;
    }
  }

  async #rest(): Promise<void> {
    if (this.#hurried) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#restMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
