import { expect, test } from "vitest";
import { fuzzSessions } from "./testing/frame-fuzz.ts";

test("hostile conversations: nothing thrown, memory bounded, one end, and both codecs agree", () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  // A failure names the seed of its conversation; `npm run fuzz:tunnel -- --seed N` shows it again.
  const { frames, conversations, ends } = fuzzSessions({ seed, frames: 50_000 });
  // A source that ends conversations with their first frames, or always in one way, would prove little.
  expect(frames / conversations).toBeGreaterThan(50);
  expect(Object.keys(ends).length).toBeGreaterThan(3);
});
