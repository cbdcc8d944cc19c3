// Pings, round trips and silence. A connection is silent when pings stayed unanswered for the whole time: counting pings,
// not only the clock, keeps a process that was suspended from closing connections that are fine.

export const keepAlive = {
  pingIntervalMs: 5_000,
  /** While streams are open and nothing is heard. */
  hurriedIntervalMs: 1_000,
  /** A ping that waits this long, seen on two ticks, makes the other side unresponsive. */
  unresponsiveMs: 1_500,
  silenceMs: 15_000,
  unansweredPings: 2,
} as const;

/** Weight of the newest round trip in the average; one that is longer counts at once (peak EWMA). */
const newestWeight = 0.3;

export class KeepAlive {
  #heardMs: number;
  #pingedMs: number;
  #unanswered = 0;
  /** Of the oldest unanswered ping. */
  #waitingSinceMs = 0;
  #overdueTicks = 0;
  #token = 0;
  #roundTripMs = 0;

  constructor(nowMs: number) {
    this.#heardMs = nowMs;
    this.#pingedMs = nowMs;
  }

  /** Smoothed; 0 before the first answer. */
  get roundTripMs(): number {
    return this.#roundTripMs;
  }

  /** Nothing is heard although it was asked: it hangs, or the network between does. */
  get isUnresponsive(): boolean {
    return this.#overdueTicks >= 2;
  }

  heard(nowMs: number): void {
    this.#heardMs = nowMs;
    this.#unanswered = 0;
    this.#overdueTicks = 0;
  }

  /** A token: send a ping with it. `silent`: give the connection up. `busy`: streams are open. */
  tick(nowMs: number, busy: boolean): number | "silent" | undefined {
    const { pingIntervalMs, hurriedIntervalMs, unresponsiveMs, silenceMs, unansweredPings } = keepAlive;
    if (nowMs - this.#heardMs >= silenceMs && this.#unanswered >= unansweredPings) return "silent";
    const isOverdue = this.#unanswered > 0 && nowMs - this.#waitingSinceMs >= unresponsiveMs;
    this.#overdueTicks = isOverdue ? this.#overdueTicks + 1 : 0;
    const hurried = busy && nowMs - this.#heardMs >= hurriedIntervalMs;
    if (nowMs - this.#pingedMs < (hurried ? hurriedIntervalMs : pingIntervalMs)) return undefined;
    this.#pingedMs = nowMs;
    if (this.#unanswered === 0) this.#waitingSinceMs = nowMs;
    this.#unanswered++;
    this.#token = (this.#token + 1) >>> 0;
    return this.#token;
  }

  /** Only the newest ping tells the round trip. */
  answered(token: number, nowMs: number): void {
    if (token !== this.#token || token === 0) return;
    const roundTripMs = nowMs - this.#pingedMs;
    const isPeak = roundTripMs > this.#roundTripMs;
    this.#roundTripMs = isPeak
      ? roundTripMs
      : this.#roundTripMs + newestWeight * (roundTripMs - this.#roundTripMs);
  }
}
