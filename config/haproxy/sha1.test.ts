import * as fc from "fast-check";
import { expect, test } from "vitest";
import { sha1 } from "./sha1.ts";

test("agrees with the platform's digest", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary", maxLength: 200 }), async (text) => {
      const expected = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(text));
      expect([...sha1(text)]).toEqual([...new Uint8Array(expected)]);
    }),
    { numRuns: 300 },
  );
});
