// `npm run fuzz:tunnel -- [--frames N] [--seed N]`: hostile conversations with the tunnel's session machine, ten million
// frames by default, from a seed that it prints. `--seed` of a failure shows its conversation again, as the first one.
import { parseArgs } from "node:util";
import { fuzzSessions } from "#traffic/tunnel/testing/frame-fuzz.ts";

const { values } = parseArgs({ options: { seed: { type: "string" }, frames: { type: "string" } } });
const frames = Number(values.frames ?? 10_000_000);
let seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 30));
const stepFrames = 500_000;

console.log(`seed ${seed}`);
for (let done = 0; done < frames;) {
  const step = fuzzSessions({ seed, frames: Math.min(stepFrames, frames - done) });
  done += step.frames;
  seed += step.conversations;
  console.log(`${done} frames, to seed ${seed}: ${JSON.stringify(step.ends)}`);
}
