// Limits that the isolate spends from leases: no request asks for itself, except where a key has no unit here yet.
import type { Charge, Gate } from "./charge.ts";
import type { Decision, LeasedKey } from "./leased-key.ts";
import type { LimitPlan } from "./limit-plan.ts";
import type { Limiter } from "./limiter.ts";

export function leasedGate(plan: LimitPlan, limiter: Limiter): Gate {
  return (request, nowMs) => {
    const key = plan.keyOf(request);
    if (key === undefined) return [];
    const leased = limiter.leasedKey(key, plan.limitOf(key), plan.onUnavailable);
    const decision = leased.admit(plan.cost, request.lifetime, nowMs);
    if (!(decision instanceof Promise)) return [charge(plan, leased, decision, nowMs)];
    return decision.then((decided) => [charge(plan, leased, decided, limiter.nowMs())]);
  };
}

function charge(plan: LimitPlan, leased: LeasedKey, decision: Decision, nowMs: number): Charge {
  const { name, cost, enforced, counts } = plan;
  const { holder, limit } = leased;
  const { allowed, unchecked } = decision;
  const { remaining, retryAfterMs, resetAfterMs } = holder.report(allowed, nowMs);
  return {
    name,
    limit,
    enforced,
    counts,
    allowed,
    unchecked,
    unavailable: !allowed && unchecked && plan.onUnavailable === "deny",
    policyField: plan.policyFieldOf(limit),
    statusCode: plan.statusCode,
    remaining,
    retryAfterMs,
    resetAfterMs,
    giveBack: allowed && !unchecked ? () => holder.giveBack(cost) : undefined,
  };
}
