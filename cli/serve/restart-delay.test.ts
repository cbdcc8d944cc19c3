import { expect, test } from "vitest";
import { nextRestart } from "./restart-delay.ts";

test("starts at once, then backs off to ten seconds, and forgets after a good run", () => {
  let state = { failures: 0 };
  const delays: number[] = [];
  for (let count = 0; count < 9; count += 1) {
    const next = nextRestart(state, 50);
    delays.push(next.delayMs);
    state = next.state;
  }
  expect(delays).toEqual([0, 100, 200, 400, 800, 1600, 3200, 6400, 10_000]);
  expect(nextRestart(state, 60_000).delayMs).toBe(0);
});
