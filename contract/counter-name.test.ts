import * as fc from "fast-check";
import { expect, test } from "vitest";
import { counterName, parseCounterName } from "./counter-name.ts";

test("a name is read back as it was written, whatever the labels hold", () => {
  const labels = fc.dictionary(fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/), fc.string({ unit: "grapheme" }));
  fc.assert(
    fc.property(labels, (given) => {
      expect(parseCounterName(counterName("requests_total", given))).toEqual({
        name: "requests_total",
        labels: { ...given },
      });
    }),
    { seed: 41, numRuns: 300 },
  );
});

test.each(["", "1a", "a{", 'a{b="c}', 'a{b="c"d="e"}', "a{b=c}", "a b"])("%j is no name", (text) => {
  expect(parseCounterName(text)).toBeUndefined();
});
