// Collects the first bytes of a connection, never more than a bound.
import { GatewayError } from "#contract/error.ts";
import { limits } from "#contract/limits.ts";

const readBytes = 4 * 1024;

export class StartReader {
  readonly #reader: ReadableStreamBYOBReader;
  #chunks: Uint8Array[];
  #bytes = 0;

  /** `head`: what has been read before. */
  constructor({ readable }: Socket, head: readonly Uint8Array[] = []) {
    this.#reader = (readable as ReadableStream<Uint8Array>).getReader({ mode: "byob" });
    this.#chunks = [...head];
  }

  /** The next bytes, which are not kept; undefined: the client has ended. */
  async next(): Promise<Uint8Array | undefined> {
    const { value, done } = await this.#reader.read(new Uint8Array(readBytes));
    return done ? undefined : value;
  }

  keep(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    if (this.#bytes > limits.connectionStartBytes) {
      throw new GatewayError("connection_start_malformed", `more than ${limits.connectionStartBytes} bytes`);
    }
    this.#chunks.push(bytes);
  }

  /** The next bytes, which are kept, too. */
  async more(): Promise<Uint8Array> {
    const bytes = await this.next();
    if (!bytes) throw new GatewayError("connection_start_malformed", "the client left before it began");
    this.keep(bytes);
    return bytes;
  }

  /** Everything that is kept, in one piece. */
  whole(): Uint8Array {
    if (this.#chunks.length === 1) return this.#chunks[0]!;
    const whole = new Uint8Array(this.#chunks.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    this.#chunks = [whole];
    return whole;
  }

  skip(bytes: number): void {
    this.#chunks = [this.whole().subarray(bytes)];
  }

  unread(): readonly Uint8Array[] {
    return this.#chunks.filter(({ length }) => length > 0);
  }

  release(): void {
    try {
      this.#reader.releaseLock();
    } catch {
      // A read is still waiting: the connection is given up anyway.
    }
  }
}
