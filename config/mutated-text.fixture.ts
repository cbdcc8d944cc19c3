// Texts that are nearly right, for tests of what reads them.
import * as fc from "fast-check";
import { expect } from "vitest";
import { loadConfig } from "./load.ts";

export interface MutatedText {
  readonly name: string;
  /** What is mutated; its words are put in elsewhere, too. */
  readonly sample: string;
  /** What has a meaning in the format. */
  readonly pieces: readonly string[];
  readonly runs: number;
}

/** Each mutation is read, with an error and its place or a snapshot. */
export function expectMutationsToBeRead({ name, sample, pieces, runs }: MutatedText): void {
  const mutation = fc.record({
    at: fc.nat({ max: sample.length }),
    drop: fc.nat({ max: 30 }),
    insert: fc.oneof(
      fc.constantFrom(...pieces),
      fc.constantFrom(...sample.split(/\s+/)),
      fc.string({ unit: "binary", maxLength: 5 }),
    ),
  });
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 6 }), (mutations) => {
      let content = sample;
      for (const { at, drop, insert } of mutations)
        content = content.slice(0, at) + insert + content.slice(at + drop);
      const { snapshot, diagnostics } = loadConfig([{ name, content }]);
      expect(snapshot === undefined).toBe(diagnostics.some(({ severity }) => severity === "error"));
      for (const diagnostic of diagnostics) {
        expect(diagnostic.message).not.toBe("");
        // What is said of the whole has no place.
        if (diagnostic.file === "") continue;
        expect(diagnostic.line, JSON.stringify(diagnostic)).toBeGreaterThan(0);
        expect(diagnostic.line).toBeLessThanOrEqual(content.split("\n").length);
      }
      loadConfig([{ name, content }], { isolate: true });
    }),
    { numRuns: runs },
  );
}
