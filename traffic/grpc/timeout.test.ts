import { expect, test } from "vitest";
import { formatGrpcTimeout, parseGrpcTimeout } from "./timeout.ts";

test.each([
  ["1S", 1_000],
  ["100m", 100],
  ["2M", 120_000],
  ["99999999H", 359_999_996_400_000],
  ["500u", 0.5],
  ["1000000n", 1],
  ["0m", 0],
  ["1", undefined],
  ["1s", undefined],
  ["-1S", undefined],
  ["123456789S", undefined],
  ["", undefined],
  [null, undefined],
])("%j is %s ms", (text, ms) => {
  expect(parseGrpcTimeout(text)).toBe(ms);
});

test.each([
  [1_500.9, "1500m"],
  [-3, "0m"],
  [99_999_999, "99999999m"],
  [100_000_000, "100000S"],
  [1e12, "277777H"],
  [1e99, "99999999H"],
])("%d ms is %s", (ms, text) => {
  expect(formatGrpcTimeout(ms)).toBe(text);
});
