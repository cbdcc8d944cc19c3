// Waits for a state that nothing announces. Vitest's own default of a second is the time of an idle machine.
import { vi } from "vitest";

/** Resolves when `assertion` no longer throws; rejects with what it threw last when 20 s have passed. */
export function eventually<T>(assertion: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(assertion, { timeout: 20_000, interval: 25 });
}
