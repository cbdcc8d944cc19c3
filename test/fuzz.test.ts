// A short run of the fuzzer; `npm run fuzz` runs it for as long as one likes.
import { afterAll, beforeAll, expect, test } from "vitest";
import { startFuzzedSystem, type FuzzedSystem } from "./fuzz/fuzz.ts";

/** A new one each time, so that every run of CI looks elsewhere; the failure names it. */
const seed = Number(process.env["ISTHMUS_FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

let system: FuzzedSystem;
beforeAll(async () => {
  system = await startFuzzedSystem();
});
afterAll(() => system?.stop());

test(`random configurations and requests, from seed ${seed}`, async () => {
  let matched = 0;
  for (let round = 0; round < 4; round += 1) matched += (await system.round(seed + round, 300)).matched;
  // Otherwise the requests would not look where the rules are.
  expect(matched).toBeGreaterThan(100);
});
