import { expect, test } from "vitest";
import { healthCheckRequest, isServing } from "./health.ts";

test("requests are frames with the service as field 1", () => {
  expect([...healthCheckRequest()]).toEqual([0, 0, 0, 0, 0]);
  expect([...healthCheckRequest("a.B")]).toEqual([0, 0, 0, 0, 5, 0x0a, 3, 0x61, 0x2e, 0x42]);
  const long = healthCheckRequest("x".repeat(200));
  expect([...long.subarray(0, 8)]).toEqual([0, 0, 0, 0, 203, 0x0a, 0xc8, 1]);
  expect(long).toHaveLength(208);
  expect([...healthCheckRequest("x".repeat(253)).subarray(0, 5)]).toEqual([0, 0, 0, 1, 0]);
});

test.each([
  ["SERVING", [0, 0, 0, 0, 2, 8, 1], true],
  ["NOT_SERVING", [0, 0, 0, 0, 2, 8, 2], false],
  ["UNKNOWN, which is left out", [0, 0, 0, 0, 0], false],
  ["a message that is cut short", [0, 0, 0, 0, 2, 8], false],
  ["a compressed message", [1, 0, 0, 0, 2, 8, 1], false],
  ["nothing", [], false],
])("%s", (_what, bytes, healthy) => {
  expect(isServing(Uint8Array.from(bytes))).toBe(healthy);
});
