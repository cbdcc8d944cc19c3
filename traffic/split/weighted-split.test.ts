import * as fc from "fast-check";
import { expect, test } from "vitest";
import { compileSplit } from "./weighted-split.ts";

const split = (...weights: number[]) => compileSplit(weights.map((weight) => ({ weight })));

test.each([
  [[90, 10], 0, 0],
  [[90, 10], 0.899, 0],
  [[90, 10], 0.9, 1],
  [[90, 10], 0.999_999, 1],
  [[0, 5, 0, 5], 0, 1],
  [[0, 5, 0, 5], 0.5, 3],
  [[7], 0.3, 0],
  [[0, 7, 0], 0.99, 1],
])("weights %j at %d give %d", (weights, unit, expected) => {
  expect(split(...weights).pick(unit)).toBe(expected);
});

test.each([[[]], [[0]], [[0, 0, 0]]])("weights %j give nothing", (weights) => {
  expect(split(...weights).pick(0.5)).toBe(-1);
});

test("shares equal the weights, and a reference without weight gets nothing", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 12 }), (weights) => {
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      fc.pre(total > 0);
      const counts = weights.map(() => 0);
      const compiled = split(...weights);
      // The middle of each of `total` equal intervals: exact shares, no sampling error.
      for (let step = 0; step < total; step++) counts[compiled.pick((step + 0.5) / total)]! += 1;
      expect(counts).toEqual(weights);
    }),
  );
});
