import { expect, onTestFinished, test, vi } from "vitest";
import { transferred } from "./transfer-garbage.ts";

test("a transfer has the young generation collected every few megabytes, small messages do not", () => {
  const collect = vi.fn();
  vi.stubGlobal("gc", collect);
  onTestFinished(() => void vi.unstubAllGlobals());
  for (let count = 0; count < 1_024; count += 1) transferred(64 * 1024);
  const { length } = collect.mock.calls;
  expect(length).toBeGreaterThanOrEqual(16);
  expect(collect.mock.lastCall).toEqual([{ type: "minor" }]);
  for (let count = 0; count < 1_024; count += 1) transferred(64);
  expect(collect.mock.calls.length).toBeLessThanOrEqual(length + 1);
});
