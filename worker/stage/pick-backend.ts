// Rule stage, the last one: one of the backendRefs, in proportion to their weights.
import { GatewayError } from "#contract/error.ts";
import type { KeySource } from "#contract/backend-policy.ts";
import { type HashKey, keyedHash } from "#traffic/split/keyed-hash.ts";
import { compileStickySplit } from "#traffic/split/sticky-split.ts";
import { evenDraws } from "#traffic/split/even-draws.ts";
import { compileSplit } from "#traffic/split/weighted-split.ts";
import type { Exchange } from "../exchange.ts";
import { clientKeyOf } from "./client-key.ts";
import type { RuleScope, Stage } from "./stage.ts";

export const pickBackend: Stage<RuleScope> = (scope) => {
  const { branches } = scope;
  const choose = scope.rule.stickySplit ? stickyChoice(scope, scope.rule.stickySplit) : freeChoice(scope);
  return (exchange) => {
    const refIndex = exchange.bound ? exchange.bound.refIndex : choose(exchange);
    const branch = branches[refIndex];
    if (!branch) throw new GatewayError("backend_none");
    exchange.refIndex = refIndex;
    return branch(exchange);
  };
};

/** Index of a backendRef; -1 when none has weight. */
type Choice = (exchange: Exchange) => number;

function freeChoice({ rule, random }: RuleScope): Choice {
  const split = compileSplit(rule.backendRefs);
  const draw = evenDraws(random());
  return () => split.pick(draw());
}

/** Clients that are not known by anything are drawn anew with each request. */
function stickyChoice(scope: RuleScope, source: KeySource): Choice {
  const { rule, secret } = scope;
  const refs = rule.backendRefs.map(({ backend, weight }) => ({ name: backend ?? "", weight }));
  const split = compileStickySplit(refs, splitKey(secret));
  const keyOf = clientKeyOf(source);
  const free = freeChoice(scope);
  return (exchange) => {
    const key = keyOf(exchange);
    return key === undefined ? free(exchange) : split.pick(key);
  };
}

function splitKey(secret: string): HashKey {
  return [keyedHash([0, 0], secret), keyedHash([1, 1], secret)];
}
