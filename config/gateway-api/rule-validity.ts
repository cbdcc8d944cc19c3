// Which rules of a route are valid, and what its conditions say of those that are not.
import type { Problem } from "./condition.ts";

export interface RuleValidity {
  /** Against `Accepted`: all rules are invalid. */
  readonly refused: Problem | undefined;
  /** For `PartiallyInvalid`: some are. */
  readonly dropped: Problem | undefined;
  /** Of a rule, what is found first counts. */
  refuse(rule: number, problem: Problem): void;
}

export function createRuleValidity(ruleCount: number): RuleValidity {
  const invalid = new Map<number, Problem>();
  const first = (): Problem | undefined => invalid.values().next().value;
  return {
    get refused() {
      return invalid.size === ruleCount ? first() : undefined;
    },
    get dropped() {
      const problem = first();
      if (!problem || invalid.size === ruleCount) return undefined;
      const rules = [...invalid.keys()].join(", ");
      return { reason: "UnsupportedValue", message: `Dropped Rule ${rules}: ${problem.message}` };
    },
    refuse: (rule, problem) => {
      if (!invalid.has(rule)) invalid.set(rule, problem);
    },
  };
}
