// The last moments of a gateway process to which clients talk directly (decision 0014). At SIGTERM workerd closes every
// connection on which no request is under way, and tells the others so with their answer. So answers are held back until
// then: whoever asks again and again has a request under way when it comes.

/** A supervisor that forgets to let go must not hold a client for ever. */
const longestHoldMs = 5_000;
const lookMs = 5;

export class Departure {
  /** Until when answers are held; 0: they are not. */
  #untilMs = 0;

  get isNear(): boolean {
    return this.#untilMs > 0;
  }

  begin(nowMs: number): void {
    this.#untilMs = nowMs + longestHoldMs;
  }

  letGo(): void {
    this.#untilMs = 0;
  }

  /** What `answer` comes to, once answers may go. Looks again and again, for a request cannot wait for another one's event. */
  async hold(answer: Response | Promise<Response>): Promise<Response> {
    try {
      return await answer;
    } finally {
      while (Date.now() < this.#untilMs) await scheduler.wait(lookMs);
    }
  }
}

/** Of this process: an isolate has one life. */
export const departure = new Departure();
