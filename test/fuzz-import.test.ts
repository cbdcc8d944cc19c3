// A few rounds of `npm run fuzz:import`, always the same ones.
import { describe, expect, test } from "vitest";
import { formats, readCases } from "./corpus/read-cases.ts";
import { createMutator } from "./fuzz/mutate-source.ts";
import { problemOf } from "./fuzz/import-problem.ts";

const rounds = 20;

describe.each(formats)("%s", (format) => {
  test("mutated inputs of the corpus are read, converted and isolated", () => {
    const mutator = createMutator(format, readCases(format));
    let served = 0;
    // Mutations that only break things would prove little.
    for (let seed = 0; seed < rounds || served === 0; seed += 1) {
      const { name, files } = mutator.mutate(seed);
      const verdict = problemOf(files);
      expect(verdict.problem, `seed ${seed}, ${name}`).toBeUndefined();
      if (verdict.served) served += 1;
    }
  });
});
