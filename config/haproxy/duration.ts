// Times of haproxy.cfg (§2.5): a number with a unit, milliseconds without.
import { invalid } from "./statement-problem.ts";
import type { Word } from "./split-words.ts";

const unitMs: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds, rounded up. Throws `StatementProblem`. */
export function readDurationMs(word: Word | undefined): number {
  const found = /^([0-9]{1,10})(us|ms|s|m|h|d)?$/.exec(word?.text ?? "");
  if (!found)
    return invalid(`expected a time such as 500ms or 5s; found ${JSON.stringify(word?.text ?? "")}`, {
      word,
    });
  return Math.ceil(Number(found[1]) * unitMs[found[2] ?? "ms"]!);
}
