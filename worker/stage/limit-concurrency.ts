// Rule stage: how many requests of one key may be under way in this isolate. A request counts until its response's body has
// ended; an upgraded connection is no longer a request and counts until it is open.
import { GatewayError } from "#contract/error.ts";
import type { RuleConcurrencyLimit } from "#contract/rate-limit.ts";
import type { ConcurrencyLimit } from "#traffic/limit/concurrency-limit.ts";
import { compileKeyOf, type KeyOf } from "#traffic/limit/limit-subject.ts";
import { isLong, watchBody } from "../forward/watch-body.ts";
import type { LimitCounts } from "../limit/limit-counters.ts";
import type { Exchange } from "../exchange.ts";
import type { RuleScope, Stage } from "./stage.ts";

interface Plan {
  readonly name: string;
  readonly enforced: boolean;
  readonly keyOf: KeyOf;
  readonly limit: ConcurrencyLimit;
  readonly counts: LimitCounts;
  readonly statusCode: number | undefined;
}

export const limitConcurrency: Stage<RuleScope> = (scope, next) => {
  const plans = (scope.rule.concurrencyLimits ?? []).map((limit) => compilePlan(limit, scope));
  if (plans.length === 0) return next;
  return async (exchange) => {
    const leave = enterAll(plans, exchange);
    try {
      const response = await next(exchange);
      if (isLong(response)) return watchBody(response, exchange.lifetime, { onEnd: leave });
      leave();
      return response;
    } catch (error) {
      leave();
      throw error;
    }
  };
};

function compilePlan(limit: RuleConcurrencyLimit, { route, limiter }: RuleScope): Plan {
  return {
    name: limit.name,
    enforced: !limit.shadowMode,
    keyOf: compileKeyOf(limit, route),
    limit: limiter.concurrency(limit.id, limit.maxParallelRequests),
    counts: limiter.counters.of(limit.id),
    statusCode: limit.statusCode,
  };
}

/** Takes a place in every limit, or none; returns what gives them back. Throws `concurrency_limited`. */
function enterAll(plans: readonly Plan[], exchange: Exchange): () => void {
  const entered: { readonly limit: ConcurrencyLimit; readonly key: string }[] = [];
  const leave = (): void => {
    for (const { limit, key } of entered.splice(0)) limit.leave(key);
  };
  for (const { name, enforced, keyOf, limit, counts, statusCode } of plans) {
    const key = keyOf(exchange);
    if (key === undefined) continue;
    if (limit.enter(key)) {
      entered.push({ limit, key });
      counts.admitted += 1;
    } else if (enforced) {
      leave();
      counts.refused += 1;
      const problem = { "violated-policies": [name] };
      throw new GatewayError("concurrency_limited", `limit ${name}`, {
        answer: {
          headers: { "retry-after": "1" },
          problem,
          ...(statusCode !== undefined && { status: statusCode }),
        },
      });
    } else {
      counts.shadowed += 1;
    }
  }
  return leave;
}
