// When an isolate asks its region, and whether a request waits for the answer (decision 0002). Pure: time is an argument.
import { limits } from "#contract/limits.ts";

/** An attempt without an end after this long is given up: the request that it belonged to may have been cancelled. */
const abandonMs = 5_000;

export class SyncSchedule {
  #startedMs = -Infinity;
  /** End of the last attempt, good or bad, or the last time that waiting for one was in vain. */
  #settledMs = -Infinity;
  #underWay = false;
  #intervalMs: number = limits.syncIntervalMs;

  /** True when an attempt should start now; never while one is under way. */
  isDue(nowMs: number): boolean {
    if (this.#underWay && nowMs - this.#startedMs < abandonMs) return false;
    return nowMs - this.#startedMs >= this.#intervalMs;
  }

  /**
   * True when what is held may be too old to answer from. After a failed attempt it is not asked again for as long: with
   * the state object down, a request in `syncStaleMs` waits, not every one.
   */
  mustWait(nowMs: number): boolean {
    return nowMs - this.#settledMs >= limits.syncStaleMs;
  }

  /**
   * True when the region may hold the attempt until it has news: nobody waits for it, and as long as it is held there is none,
   * so what is known counts as fresh (decision 0019).
   */
  started(nowMs: number): boolean {
    const mayBeHeld = !this.mustWait(nowMs);
    if (mayBeHeld) this.#settledMs = nowMs;
    this.#startedMs = nowMs;
    this.#underWay = true;
    this.#intervalMs = limits.syncIntervalMs;
    return mayBeHeld;
  }

  /** There may be news by then: the next attempt is due, if that is sooner than it would be. */
  expectNews(atMs: number): void {
    const soonestMs = Math.max(atMs - this.#startedMs, limits.syncSoonestMs);
    this.#intervalMs = Math.min(this.#intervalMs, soonestMs);
  }

  settled(nowMs: number): void {
    this.#settledMs = nowMs;
    this.#underWay = false;
  }

  /** A request has waited for the attempt under way as long as it may. */
  waitedInVain(nowMs: number): void {
    this.#settledMs = nowMs;
  }
}
