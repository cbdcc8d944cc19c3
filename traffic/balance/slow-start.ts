// Slow start: an endpoint that comes (back) gets a growing part of its weight (Envoy `slow_start_config`).
import type { SlowStart } from "#contract/backend-policy.ts";

const steps = 20;
const shortestStepMs = 100;

/** Part of the weight in force after `elapsedMs`, in (0, 1]. */
export function rampFactor(ramp: SlowStart, elapsedMs: number): number {
  if (elapsedMs >= ramp.windowMs) return 1;
  const time = Math.max(0, elapsedMs) / ramp.windowMs;
  // Never 0: an endpoint of weight 0 would get no traffic to warm up with.
  return Math.max(ramp.minWeightPercent / 100, time ** (1 / ramp.aggression), 0.01);
}

/** How often shares are brought up to date meanwhile: in twenty steps, at most ten a second. */
export function rampStepMs(ramp: SlowStart): number {
  return Math.max(shortestStepMs, ramp.windowMs / steps);
}
