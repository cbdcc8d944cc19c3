// A rate limit of a rule with everything that depends on the snapshot alone worked out.
import type { Limit, RuleRateLimit } from "#contract/rate-limit.ts";
import { statusesOf } from "#contract/status-match.ts";
import { compileOverrides } from "#traffic/limit/limit-key.ts";
import { compileKeyOf, type KeyOf } from "#traffic/limit/limit-subject.ts";
import { rateLimitPolicyField } from "#traffic/limit/rate-limit-headers.ts";
import type { LimitCounts } from "./limit-counters.ts";
import type { Limiter } from "./limiter.ts";

export interface LimitPlan {
  readonly name: string;
  readonly cost: number;
  readonly enforced: boolean;
  readonly onUnavailable: RuleRateLimit["onUnavailable"];
  /** The key under which the request is counted everywhere; `undefined`: it is not. */
  readonly keyOf: KeyOf;
  readonly limitOf: (key: string) => Limit;
  /** One of its limits in RateLimit-Policy; the same for all requests, so worked out once. */
  readonly policyFieldOf: (limit: Limit) => string;
  readonly counts: LimitCounts;
  /** Status of a refusal. Absent: 429. */
  readonly statusCode: number | undefined;
  /** Of the responses that cost something. Absent: every request does. */
  readonly countedStatuses: ReadonlySet<number> | undefined;
}

/** Throws for a condition that cannot be compiled. */
export function compileLimit(rule: RuleRateLimit, route: string, limiter: Limiter): LimitPlan {
  const keyOf = compileKeyOf(rule, route);
  const prefix = `${rule.id}\n`;
  const limitOf = compileOverrides({
    key: rule.key,
    limit: limiter.sameLimit(rule.limit),
    overrides: rule.overrides.map(({ key, limit }) => ({ key, limit: limiter.sameLimit(limit) })),
  });
  const policyFields = new Map<Limit, string>();
  return {
    name: rule.name,
    cost: rule.cost,
    enforced: !rule.shadowMode,
    onUnavailable: rule.onUnavailable,
    keyOf: (request) => {
      const key = keyOf(request);
      return key === undefined ? undefined : prefix + key;
    },
    limitOf: rule.overrides.length === 0 ? limitOf : (key) => limitOf(key.slice(prefix.length)),
    policyFieldOf: (limit) => {
      let field = policyFields.get(limit);
      if (field === undefined) {
        field = rateLimitPolicyField([{ name: rule.name, limit }]);
        policyFields.set(limit, field);
      }
      return field;
    },
    counts: limiter.counters.of(rule.id),
    statusCode: rule.statusCode,
    countedStatuses: rule.countedStatusCodes && new Set(rule.countedStatusCodes.flatMap(statusesOf)),
  };
}
