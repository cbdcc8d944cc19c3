// Rule stage, the last one: one of the backendRefs, in proportion to their weights.
import { GatewayError } from "#contract/error.ts";
import { compileSplit } from "#traffic/split/weighted-split.ts";
import type { RuleScope, Stage } from "./stage.ts";

export const pickBackend: Stage<RuleScope> = ({ rule, branches, random }) => {
  const split = compileSplit(rule.backendRefs);
  return (exchange) => {
    const refIndex = split.pick(random());
    const branch = branches[refIndex];
    if (!branch) throw new GatewayError("backend_none");
    exchange.refIndex = refIndex;
    return branch(exchange);
  };
};
