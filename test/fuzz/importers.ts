// `npm run fuzz:import -- [--seed N] [--seconds N] [--format NAME]`: inputs of the corpus, mutated in what they mean (values and
// lines of other cases in their place) and in their text, ten minutes by default, from a seed that it prints. Each is read, in
// bounded time, with places for what is wrong; what can be served is converted to what is served alike.
import { parseArgs } from "node:util";
import { formats, readCases } from "../corpus/read-cases.ts";
import { createMutator, type Mutator } from "./mutate-source.ts";
import { problemOf } from "./import-problem.ts";

/** Of processor time, for inputs of some kilobytes that are read seven times. */
const longMs = 5_000;
/** Then it ends: the first ones tell what there is to mend. */
const maxFailures = 20;

const { values } = parseArgs({
  options: { seed: { type: "string" }, seconds: { type: "string" }, format: { type: "string" } },
});
const firstSeed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const endMs = Date.now() + Number(values.seconds ?? 600) * 1_000;
const chosen = formats.filter((format) => values.format === undefined || values.format === format);
if (chosen.length === 0) throw new Error(`--format: expected one of ${formats.join(", ")}`);

const mutators = chosen.map((format): Mutator => createMutator(format, readCases(format)));
let failures = 0;
let served = 0;
let seed = firstSeed;
console.log(`from seed ${firstSeed}`);
for (; Date.now() < endMs && failures < maxFailures; seed += 1) {
  const { name, files } = mutators[seed % mutators.length]!.mutate(seed);
  const before = process.cpuUsage();
  const found = problemOf(files);
  const { user, system } = process.cpuUsage(before);
  const tookMs = Math.round((user + system) / 1_000);
  if (found.served) served += 1;
  const problem = found.problem ?? (tookMs > longMs ? `took ${tookMs} ms` : undefined);
  if (problem === undefined) continue;
  failures += 1;
  console.log(`seed ${seed}, ${name}: ${problem}\n${JSON.stringify(files)}`);
}
console.log(`${seed - firstSeed} inputs, ${served} of them could be served; ${failures} failures`);
if (failures > 0) process.exitCode = 1;
