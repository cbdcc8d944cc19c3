import * as fc from "fast-check";
import { expect, test } from "vitest";
import { loadSheddingSchema, prioritySchema } from "#contract/backend-policy.ts";
import { isShed, priorityOf, shedPart } from "./load-shedding.ts";

const policy = loadSheddingSchema.parse({ capacity: 1_000, startPercent: 60 });

test.each([
  [600, [0, 0, 0, 0]],
  [650, [0, 0, 0, 0.5]],
  [700, [0, 0, 0, 1]],
  [850, [0, 0.5, 1, 1]],
  [950, [0.5, 1, 1, 1]],
  [1_000, [1, 1, 1, 1]],
  [5_000, [1, 1, 1, 1]],
])("at %d of 1000 requests the parts shed, highest priority first, are %j", (inFlight, expected) => {
  prioritySchema.options.forEach((priority, n) =>
    expect(shedPart(policy, priority, inFlight)).toBeCloseTo(expected[n]!),
  );
});

test("more load never sheds less, and a higher priority is never shed before a lower one", () => {
  fc.assert(
    fc.property(fc.nat(2_000), fc.nat(2_000), fc.nat(100), (a, b, startPercent) => {
      const own = { ...policy, startPercent };
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      let above = 0;
      for (const priority of prioritySchema.options) {
        expect(shedPart(own, priority, low)).toBeLessThanOrEqual(shedPart(own, priority, high));
        expect(shedPart(own, priority, low)).toBeGreaterThanOrEqual(above);
        above = shedPart(own, priority, low);
      }
    }),
  );
});

test("the jitter decides within the part", () => {
  expect(isShed(policy, "sheddable", 650, 0.49)).toBe(true);
  expect(isShed(policy, "sheddable", 650, 0.51)).toBe(false);
});

test.each([
  ["sheddable", true, "sheddable"],
  [" Critical-Plus ", true, "critical-plus"],
  ["critical-plus", false, "critical"],
  ["urgent", true, "critical"],
  [null, true, "critical"],
])("header %s from a trusted client %s: %s", (value, trusted, expected) => {
  expect(priorityOf(policy, value, trusted)).toBe(expected);
});
