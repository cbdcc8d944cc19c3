// Work that can be done a piece at a time, so that a large configuration never holds up requests for longer than a few
// milliseconds. Pure: whoever drives it decides what happens between two steps.

/** Yields between two pieces of a few milliseconds each; returns the result. */
export type Steps<Result> = Generator<void, Result>;

/** Routes, rules or backends that are about a millisecond of work. */
export const itemsPerStep = 64;

/** Of an item's work, what it costs to take it over from before. More the first time, when that code has not run yet. */
export const keptItem = 1 / 16;

/** Tells where one step ends and the next begins. */
export class StepLength {
  #items = 0;

  /** Adds to the work of the step; true: it is long enough. */
  isFull(items: number): boolean {
    this.#items += items;
    if (this.#items < itemsPerStep) return false;
    this.#items = 0;
    return true;
  }
}

export function allAtOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Rejects with what a step throws, and where a pause does not end it does not either. */
export async function withPauses<Result>(steps: Steps<Result>, pause: () => Promise<void>): Promise<Result> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await pause();
  }
}
