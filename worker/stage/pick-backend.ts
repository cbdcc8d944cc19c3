// Rule stage, the last one: one of the backendRefs, in proportion to their weights.
import { GatewayError } from "#contract/error.ts";
import type { KeySource } from "#contract/backend-policy.ts";
import type { SnapshotBackendRef } from "#contract/snapshot.ts";
import { type HashKey, keyedHash } from "#traffic/split/keyed-hash.ts";
import { compileStickySplit } from "#traffic/split/sticky-split.ts";
import { evenDraws } from "#traffic/split/even-draws.ts";
import { compileSplit } from "#traffic/split/weighted-split.ts";
import type { Exchange } from "../exchange.ts";
import { clientKeyOf } from "./client-key.ts";
import type { RuleScope, Stage } from "./stage.ts";

export const pickBackend: Stage<RuleScope> = (scope) => {
  const { branches, rule } = scope;
  const choose = choiceOf(scope, rule.backendRefs);
  const pick = rule.backendRefs.some(({ fallback }) => fallback) ? withFallbacks(scope) : choose;
  return (exchange) => {
    const refIndex = exchange.bound && pick === choose ? exchange.bound.refIndex : pick(exchange);
    const branch = branches[refIndex];
    if (!branch) throw new GatewayError("backend_none");
    exchange.refIndex = refIndex;
    return branch(exchange);
  };
};

/** Index of a backendRef; -1 when none has weight. */
type Choice = (exchange: Exchange) => number;

type Refs = readonly SnapshotBackendRef[];

/** Envoy Gateway, BackendRef `fallback`: those only while no other backend has an endpoint that is up. */
function withFallbacks(scope: RuleScope): Choice {
  const { rule, backends } = scope;
  const others = rule.backendRefs.flatMap(({ backend, fallback }) => {
    const plan = fallback || backend === null ? undefined : backends.get(backend);
    return plan ? [plan] : [];
  });
  // Indexes stay those of the rule.
  const part = (isFallback: boolean): Refs =>
    rule.backendRefs.map((ref) => ((ref.fallback === true) === isFallback ? ref : { ...ref, weight: 0 }));
  const [first, second] = [choiceOf(scope, part(false)), choiceOf(scope, part(true))];
  return (exchange) => {
    const isUp = others.some(({ balancer }) => balancer.hasUp());
    const { bound } = exchange;
    if (bound && (rule.backendRefs[bound.refIndex]?.fallback === true) !== isUp) return bound.refIndex;
    // A session moves with its backend.
    exchange.bound = undefined;
    return isUp ? first(exchange) : second(exchange);
  };
}

function choiceOf(scope: RuleScope, refs: Refs): Choice {
  const { stickySplit } = scope.rule;
  return stickySplit ? stickyChoice(scope, refs, stickySplit) : freeChoice(scope, refs);
}

function freeChoice({ random }: RuleScope, refs: Refs): Choice {
  const split = compileSplit(refs);
  const draw = evenDraws(random());
  return () => split.pick(draw());
}

/** Clients that are not known by anything are drawn anew with each request. */
function stickyChoice(scope: RuleScope, refs: Refs, source: KeySource): Choice {
  const named = refs.map(({ backend, weight }) => ({ name: backend ?? "", weight }));
  const split = compileStickySplit(named, splitKey(scope.secret));
  const keyOf = clientKeyOf(source);
  const free = freeChoice(scope, refs);
  return (exchange) => {
    const key = keyOf(exchange);
    return key === undefined ? free(exchange) : split.pick(key);
  };
}

function splitKey(secret: string): HashKey {
  return [keyedHash([0, 0], secret), keyedHash([1, 1], secret)];
}
