// Streams of one connection whose answer has not begun: how an agent that takes requests and answers none is noticed.

/** One that has answered nothing for this long, with something to answer, is not given more while others are. */
export const stalledAfterMs = 3_000;

export class WaitingStreams<Stream> {
  /** In the order in which they began. */
  readonly #since = new Map<Stream, number>();
  #answeredMs = -Infinity;

  started(stream: Stream, nowMs: number): void {
    this.#since.set(stream, nowMs);
  }

  /** Its answer has begun, or it is over. */
  ended(stream: Stream, answered: boolean, nowMs: number): void {
    if (this.#since.delete(stream) && answered) this.#answeredMs = nowMs;
  }

  /** A long poll alone is no sign: any other answer shows that the agent is well. */
  isStalled(nowMs: number): boolean {
    const [oldestMs] = this.#since.values();
    if (oldestMs === undefined) return false;
    return nowMs - Math.max(oldestMs, this.#answeredMs) >= stalledAfterMs;
  }

  [Symbol.iterator](): Iterator<Stream> {
    return this.#since.keys();
  }
}
