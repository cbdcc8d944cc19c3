import { GCProfiler } from "node:v8";
import { expect, test } from "vitest";
import { transferred } from "./transfer-garbage.ts";

/** Collections of the young generation while messages of this size pass. */
function collections(messages: number, bytes: number): number {
  const profiler = new GCProfiler();
  profiler.start();
  for (let count = 0; count < messages; count += 1) transferred(bytes);
  const { statistics } = profiler.stop()!;
  return statistics.filter(({ gcType }) => gcType === "Scavenge").length;
}

test("a transfer has the young generation collected every few megabytes, small messages do not", () => {
  expect(collections(1_024, 64 * 1024)).toBeGreaterThanOrEqual(8);
  // V8 may have reason of its own to collect meanwhile.
  expect(collections(1_024, 64)).toBeLessThan(4);
});
