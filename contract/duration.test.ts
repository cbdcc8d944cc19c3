import { expect, test } from "vitest";
import { durationMs, durationSchema } from "./duration.ts";

test.each([
  ["500ms", 500],
  ["10s", 10_000],
  ["1h30m", 5_400_000],
  ["0s", 0],
])("%s is %d ms", (text, expectedMs) => {
  expect(durationSchema.safeParse(text).success).toBe(true);
  expect(durationMs(text)).toBe(expectedMs);
});

test.each(["", "10", "s", "1.5s", "-1s", "1d", "100000s", "1s1s1s1s1s"])("%s is refused", (text) => {
  expect(durationSchema.safeParse(text).success).toBe(false);
  expect(() => durationMs(text)).toThrow(RangeError);
});
