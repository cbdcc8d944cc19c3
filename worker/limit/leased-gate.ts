// Limits that the isolate spends from leases: no request asks for itself, except where a key has no unit here yet.
import type { Charge, Gate } from "./charge.ts";
import type { LeasedKey } from "./leased-key.ts";
import type { LimitPlan } from "./limit-plan.ts";
import type { Limiter } from "./limiter.ts";

export function leasedGate(plan: LimitPlan, limiter: Limiter): Gate {
  return (request, nowMs) => {
    const key = plan.keyOf(request);
    if (key === undefined) return [];
    const leased = limiter.leasedKey(key, plan.limitOf(key), plan.onUnavailable);
    const admitted = leased.admit(plan.cost, request.lifetime, nowMs);
    if (typeof admitted === "boolean") return [charge(plan, leased, admitted, nowMs)];
    return admitted.then((allowed) => [charge(plan, leased, allowed, limiter.nowMs())]);
  };
}

function charge(plan: LimitPlan, leased: LeasedKey, allowed: boolean, nowMs: number): Charge {
  const { name, cost, enforced, counts } = plan;
  const { holder, limit } = leased;
  const { remaining, retryAfterMs, resetAfterMs } = holder.report(allowed, nowMs);
  return {
    name,
    limit,
    enforced,
    counts,
    allowed,
    unchecked: holder.unreachable,
    unavailable: !allowed && holder.unreachable && plan.onUnavailable === "deny",
    policyField: plan.policyFieldOf(limit),
    remaining,
    retryAfterMs,
    resetAfterMs,
    giveBack: allowed ? () => holder.giveBack(cost) : undefined,
  };
}
