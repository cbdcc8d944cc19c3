// `npm run fuzz -- [--seed N] [--seconds N] [--requests N]`: fuzzes for a while, ten minutes by default, from a seed that it
// prints. With the seed of a failure, the first round shows it again.
import { parseArgs } from "node:util";
import { startFuzzedSystem } from "./fuzz.ts";

const { values } = parseArgs({
  options: { seed: { type: "string" }, seconds: { type: "string" }, requests: { type: "string" } },
});
const firstSeed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const endMs = Date.now() + Number(values.seconds ?? 600) * 1_000;
const requests = Number(values.requests ?? 500);

const system = await startFuzzedSystem();
let asked = 0;
try {
  for (let seed = firstSeed; Date.now() < endMs; seed += 1) {
    const round = await system.round(seed, requests);
    asked += round.asked;
    console.log(`seed ${seed}: ${round.matched} of ${round.asked} requests matched a rule`);
  }
} finally {
  await system.stop();
}
console.log(`${asked} requests, each where it belongs`);
