import { expect, test } from "vitest";
import { BatchedLines } from "./line-log.ts";

function setUp() {
  const clock = { nowMs: 1_000 };
  const printed: string[] = [];
  const background: Promise<unknown>[] = [];
  const log = new BatchedLines(
    () => clock.nowMs,
    (lines) => void printed.push(lines),
  );
  const lifetime = { waitUntil: (promise: Promise<unknown>) => void background.push(promise) };
  const write = (...lines: string[]): void => lines.forEach((line) => log.write(line, lifetime));
  return { clock, printed, write, settled: () => Promise.all(background) };
}

test("a lone line is printed at once, those close upon it together and in order", async () => {
  const { printed, write, settled } = setUp();
  write("one", "two", "three");
  expect(printed).toEqual(["one"]);
  await settled();
  expect(printed).toEqual(["one", "two\nthree"]);
});

test("after a pause the next line is a lone one again", async () => {
  const { clock, printed, write, settled } = setUp();
  write("one", "two");
  await settled();
  clock.nowMs += 20;
  write("three");
  expect(printed).toEqual(["one", "two", "three"]);
});

test("long lines do not wait for others", () => {
  const { printed, write } = setUp();
  const long = "x".repeat(40_000);
  write("one", long, long);
  expect(printed).toEqual(["one", `${long}\n${long}`]);
});

test("lines of a request that was cancelled go with the next one", () => {
  const { clock, printed, write } = setUp();
  write("one", "two");
  clock.nowMs += 1_000;
  write("three");
  expect(printed).toEqual(["one", "two\nthree"]);
});
