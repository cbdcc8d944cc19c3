// Whether an endpoint takes connections, as far as requests that wait for it have looked (decision 0018). Of the looks only
// their ends are kept, so that whoever waited meanwhile may use what another one has found.

export type Reach = "answers" | "silent" | "unknown";

export class Reachability {
  /** When something last came back from a look, and when one last ended with nothing. */
  #answeredMs = -Infinity;
  #silentMs = -Infinity;
  #lookingUntilMs = -Infinity;

  /**
   * What a request knows that has waited since then, and would give up at `limitMs`. Silence counts only where it lasted
   * into the second half of the wait: before, the endpoint may not have been there yet.
   */
  since(startedMs: number, limitMs: number): Reach {
    if (this.#answeredMs >= startedMs) return "answers";
    return this.#silentMs >= (startedMs + limitMs) / 2 ? "silent" : "unknown";
  }

  /** Until when the look that is under way takes at most; in the past where there is none. */
  get lookingUntilMs(): number {
    return this.#lookingUntilMs;
  }

  looking(untilMs: number): void {
    this.#lookingUntilMs = untilMs;
  }

  looked(answered: boolean, nowMs: number): void {
    this.#lookingUntilMs = -Infinity;
    if (answered) this.#answeredMs = nowMs;
    else this.#silentMs = nowMs;
  }
}
