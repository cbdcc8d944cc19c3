// The rules of a host that has several priorities: one index of paths for each, asked from the highest down. Cost: the
// number of priorities, not of rules; hosts whose rules all have one priority do without.
import type { StepLength, Steps } from "#contract/steps.ts";
import type { Entry, RuleMatch } from "./entry.ts";
import { PathIndex } from "./path-index.ts";
import type { RequestFacts } from "./request-facts.ts";

export class PriorityIndex {
  readonly #levels: readonly PathIndex[];

  /** Entries come in order of precedence. Finds nothing before `buildSteps` has ended. */
  constructor(entries: readonly Entry[]) {
    const levels = Map.groupBy(entries, ({ rank }) => rank.priority);
    this.#levels = [...levels.values()].map((level) => new PathIndex(level));
  }

  *buildSteps(step: StepLength): Steps<void> {
    for (const level of this.#levels) yield* level.buildSteps(step);
  }

  find(facts: RequestFacts): RuleMatch | undefined {
    for (const level of this.#levels) {
      const found = level.find(facts);
      if (found) return found;
    }
    return undefined;
  }
}
