// Pings and silence. A connection is silent when pings stayed unanswered for the whole time: counting pings, not only
// the clock, keeps a process that was suspended from closing connections that are fine.

export const keepAlive = { pingIntervalMs: 5_000, silenceMs: 15_000, unansweredPings: 2 } as const;

export class KeepAlive {
  #heardMs: number;
  #pingedMs: number;
  #unanswered = 0;
  #token = 0;

  constructor(nowMs: number) {
    this.#heardMs = nowMs;
    this.#pingedMs = nowMs;
  }

  heard(nowMs: number): void {
    this.#heardMs = nowMs;
    this.#unanswered = 0;
  }

  /** A token: send a ping with it. `silent`: give the connection up. */
  tick(nowMs: number): number | "silent" | undefined {
    const { pingIntervalMs, silenceMs, unansweredPings } = keepAlive;
    if (nowMs - this.#heardMs >= silenceMs && this.#unanswered >= unansweredPings) return "silent";
    if (nowMs - this.#pingedMs < pingIntervalMs) return undefined;
    this.#pingedMs = nowMs;
    this.#unanswered++;
    this.#token = (this.#token + 1) >>> 0;
    return this.#token;
  }

  /** Round-trip time of the newest ping; undefined for any other token. */
  answered(token: number, nowMs: number): number | undefined {
    return token === this.#token && token > 0 ? nowMs - this.#pingedMs : undefined;
  }
}
