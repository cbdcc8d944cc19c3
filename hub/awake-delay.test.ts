import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { awakeDelay } from "./awake-delay.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Whether the delay is over; `abort` ends it. */
function started(ms: number): { readonly isOver: () => boolean; readonly abort: () => void } {
  let isOver = false;
  const aborting = new AbortController();
  void awakeDelay(ms, aborting.signal).then(() => (isOver = true));
  return { isOver: () => isOver, abort: () => aborting.abort() };
}

/** The last timer is one of no time, behind what has come in. */
const over = async (): Promise<unknown> => vi.advanceTimersByTimeAsync(2);

test("it takes its time", async () => {
  const { isOver } = started(1_000);
  await vi.advanceTimersByTimeAsync(999);
  expect(isOver()).toBe(false);
  await over();
  expect(isOver()).toBe(true);
});

test("of a standstill no more than a tenth counts", async () => {
  const { isOver } = started(1_000);
  await vi.advanceTimersByTimeAsync(250);
  // All at once: the timer that runs is long due then, and the next ones are set when the process goes on.
  vi.advanceTimersByTime(60_000);
  await vi.advanceTimersByTimeAsync(699);
  expect(isOver()).toBe(false);
  await over();
  expect(isOver()).toBe(true);
});

test("aborted, it never ends and leaves no timer behind", async () => {
  const { isOver, abort } = started(1_000);
  await vi.advanceTimersByTimeAsync(250);
  abort();
  expect(vi.getTimerCount()).toBe(0);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(isOver()).toBe(false);
});
