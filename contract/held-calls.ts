// Calls that wait for news, of one object. Pure: whoever holds them brings the clock.
import { limits } from "./limits.ts";

export class HeldCalls {
  readonly #waiting = new Set<() => void>();

  /** Resolves with the next news, when `late` does, or at once where too many wait already. */
  async untilNews(late: () => Promise<void>): Promise<void> {
    if (this.#waiting.size >= limits.heldCalls) return;
    const news = Promise.withResolvers<void>();
    this.#waiting.add(news.resolve);
    try {
      await Promise.race([news.promise, late()]);
    } finally {
      this.#waiting.delete(news.resolve);
    }
  }

  tellNews(): void {
    for (const resolve of this.#waiting) resolve();
  }
}
