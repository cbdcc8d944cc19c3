// Limits that each isolate counts for itself, exactly and without asking anybody.
import { giveBack } from "#traffic/limit/give-back.ts";
import { spend } from "#traffic/limit/spend.ts";
import type { Charge, Gate } from "./charge.ts";
import type { LimitPlan } from "./limit-plan.ts";
import type { Limiter } from "./limiter.ts";

export function localGate(plan: LimitPlan, limiter: Limiter): Gate {
  return (request, nowMs) => {
    const key = plan.keyOf(request);
    if (key === undefined) return [];
    const { countedStatuses } = plan;
    return [
      countedStatuses
        ? chargeLater(plan, countedStatuses, limiter, key, nowMs)
        : chargeLocally(plan, limiter, key, nowMs),
    ];
  };
}

/** Asks whether anything is left, and takes it when the response is one that counts. */
function chargeLater(
  plan: LimitPlan,
  statuses: ReadonlySet<number>,
  limiter: Limiter,
  key: string,
  nowMs: number,
): Charge {
  const { giveBack: undo, ...charge } = chargeLocally(plan, limiter, key, nowMs);
  undo?.();
  const settle = (status: number, answeredMs: number): void => {
    if (statuses.has(status)) chargeLocally(plan, limiter, key, answeredMs);
  };
  return { ...charge, giveBack: undefined, settle };
}

function chargeLocally(plan: LimitPlan, { localCounts }: Limiter, key: string, nowMs: number): Charge {
  const { name, cost, enforced, counts } = plan;
  const limit = plan.limitOf(key);
  const verdict = spend(limit, localCounts.get(key), cost, nowMs);
  localCounts.set(key, verdict.state);
  return {
    name,
    limit,
    enforced,
    counts,
    allowed: verdict.allowed,
    unchecked: false,
    unavailable: false,
    policyField: plan.policyFieldOf(limit),
    statusCode: plan.statusCode,
    remaining: verdict.remaining,
    retryAfterMs: verdict.retryAfterMs,
    resetAfterMs: verdict.resetAfterMs,
    giveBack: verdict.allowed
      ? () => {
          const state = localCounts.get(key);
          if (state) localCounts.set(key, giveBack(limit, state, cost, nowMs));
        }
      : undefined,
  };
}
