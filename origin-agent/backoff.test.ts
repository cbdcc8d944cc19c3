import { expect, test } from "vitest";
import { createBackoff } from "./backoff.ts";

test("the ceiling doubles up to the cap and starts anew after a stable attempt", () => {
  const backoff = createBackoff({ baseMs: 100, capMs: 1_000 }, () => 0.999_999);
  expect(Array.from({ length: 6 }, () => backoff.nextMs())).toEqual([99, 199, 399, 799, 999, 999]);
  backoff.reset();
  expect(backoff.nextMs()).toBe(99);
});

test("full jitter: a delay may be anything down to none", () => {
  const backoff = createBackoff({ baseMs: 100, capMs: 1_000 }, () => 0);
  expect(Array.from({ length: 4 }, () => backoff.nextMs())).toEqual([0, 0, 0, 0]);
});

test("the cap holds after any number of failures", () => {
  const backoff = createBackoff({ baseMs: 100, capMs: 10_000 }, () => 0.5);
  for (let count = 0; count < 5_000; count++) backoff.nextMs();
  expect(backoff.nextMs()).toBe(5_000);
});
