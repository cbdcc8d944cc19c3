import { expect, test } from "vitest";
import { mergeEjections } from "./merge-ejections.ts";

const e = (id: string, untilMs: number) => ({ id, untilMs });

test.each([
  ["nothing reported", [], 10, 50, []],
  ["the latest end counts", [[e("a", 5)], [e("a", 9)]], 10, 50, [e("a", 9)]],
  ["what is over is over", [[e("a", 1)]], 10, 50, []],
  ["most votes first where there are too many", [[e("a", 9)], [e("b", 5)], [e("b", 4)]], 3, 10, [e("b", 5)]],
  ["a pool of one keeps it", [[e("a", 9)]], 1, 100, []],
])("%s", (_name, reports, poolSize, percent, expected) => {
  expect(mergeEjections(reports, poolSize, percent, 2)).toEqual(expected);
});
