// What every limit algorithm answers.

export interface Verdict<State> {
  readonly allowed: boolean;
  /** State to keep when the units are spent; the state before when they are not. */
  readonly state: State;
  /** Whole units left, after this spending if it is allowed. */
  readonly remaining: number;
  /** Time until the same spending would be allowed, if nothing else is spent; 0 when allowed, Infinity when it never is. */
  readonly retryAfterMs: number;
  /** Time until all units are there again, if nothing more is spent. */
  readonly resetAfterMs: number;
}
