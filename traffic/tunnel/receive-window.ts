// Receive window of one stream: how much the other side may send, and when it gets more.
// Windows start small, so that thousands of slow readers cost little, and double while a reader keeps up, as long as
// the connection's pool has room. So memory is bounded by design, and no slow reader ever holds up another stream.

/** What the windows of one connection may grow by, together. */
export class GrowthPool {
  #availableBytes: number;

  constructor(bytes: number) {
    this.#availableBytes = bytes;
  }

  take(bytes: number): boolean {
    if (bytes > this.#availableBytes) return false;
    this.#availableBytes -= bytes;
    return true;
  }

  give(bytes: number): void {
    this.#availableBytes += bytes;
  }
}

export class ReceiveWindow {
  readonly #pool: GrowthPool;
  readonly #initialBytes: number;
  readonly #maxBytes: number;
  #sizeBytes: number;
  /** What the other side may still send. */
  #grantedBytes: number;
  #unconsumedBytes = 0;

  constructor(initialBytes: number, maxBytes: number, pool: GrowthPool) {
    this.#pool = pool;
    this.#initialBytes = initialBytes;
    this.#maxBytes = Math.max(initialBytes, maxBytes);
    this.#sizeBytes = initialBytes;
    this.#grantedBytes = initialBytes;
  }

  get unconsumedBytes(): number {
    return this.#unconsumedBytes;
  }

  /** Counts received bytes; false: more than was granted. */
  received(bytes: number): boolean {
    if (bytes > this.#grantedBytes) return false;
    this.#grantedBytes -= bytes;
    this.#unconsumedBytes += bytes;
    return true;
  }

  /** Counts bytes that were passed on; returns the credit to announce, 0 while it is not worth a frame. */
  consumed(bytes: number): number {
    this.#unconsumedBytes -= Math.min(bytes, this.#unconsumedBytes);
    if (this.#openBytes() < this.#sizeBytes / 2) return 0;
    if (this.#unconsumedBytes <= this.#sizeBytes / 4) this.#grow();
    const creditBytes = this.#openBytes();
    this.#grantedBytes += creditBytes;
    return creditBytes;
  }

  /** Returns to the pool what this window had grown by. */
  release(): void {
    this.#pool.give(this.#sizeBytes - this.#initialBytes);
    this.#sizeBytes = this.#initialBytes;
  }

  /** What could be granted now. */
  #openBytes(): number {
    return this.#sizeBytes - this.#unconsumedBytes - this.#grantedBytes;
  }

  #grow(): void {
    const byBytes = Math.min(this.#sizeBytes, this.#maxBytes - this.#sizeBytes);
    if (byBytes > 0 && this.#pool.take(byBytes)) this.#sizeBytes += byBytes;
  }
}
