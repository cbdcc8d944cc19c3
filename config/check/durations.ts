// Durations that contradict each other or that no timer can hold.
import { durationMs } from "#contract/duration.ts";
import { connectionRules } from "../rule.ts";
import type { Path, Report } from "../report.ts";
import type { Check } from "./check.ts";

/** Timers count milliseconds in 31 bits, on Node and on workerd; beyond that they fire at once. */
const maxTimerMs = 2 ** 31 - 1;

/** Gateway API: 0s disables a timeout; backendRequest is at most request. */
export const ruleTimeouts: Check = (config, report) => {
  for (const [routeIndex, route] of config.routes.entries()) {
    for (const [ruleIndex, { timeouts }] of route.rules.entries()) {
      const path = ["routes", routeIndex, "rules", ruleIndex, "timeouts"];
      const requestMs = checkRange(timeouts.request, 0, [...path, "request"], report);
      const backendRequestMs = checkRange(timeouts.backendRequest, 0, [...path, "backendRequest"], report);
      checkRange(timeouts.streamIdle, 0, [...path, "streamIdle"], report);
      checkRange(timeouts.backendHead, 0, [...path, "backendHead"], report);
      if (requestMs === 0 || backendRequestMs <= requestMs) continue;
      report.add({
        code: "timeout-order",
        path: [...path, "backendRequest"],
        message: `backendRequest (${timeouts.backendRequest}) is longer than request (${timeouts.request}), which ends first`,
        remedy: "Make backendRequest the shorter one.",
      });
    }
  }
};

/** The schema bounds `connect`; `idle` may be 0s, which disables it. */
export const connectionTimeouts: Check = (config, report) => {
  for (const { path, rule } of connectionRules(config)) {
    checkRange(rule.timeouts.idle, 0, [...path, "timeouts", "idle"], report);
  }
  for (const [index, { inspection }] of config.tcpRoutes.entries()) {
    if (inspection) checkRange(inspection.timeout, 0, ["tcpRoutes", index, "inspection", "timeout"], report);
  }
};

export const healthCheckTimes: Check = (config, report) => {
  for (const [index, { endpoints, healthCheck }] of config.backends.entries()) {
    for (const [endpoint, { healthCheck: own }] of endpoints.entries()) {
      const place = ["backends", index, "endpoints", endpoint, "healthCheck"];
      checkRange(own?.interval, 1, [...place, "interval"], report);
      checkRange(own?.timeout, 1, [...place, "timeout"], report);
    }
    const { active } = healthCheck;
    if (!active) continue;
    const path = ["backends", index, "healthCheck", "active"];
    const intervalMs = checkRange(active.interval, 1, [...path, "interval"], report);
    const timeoutMs = checkRange(active.timeout, 1, [...path, "timeout"], report);
    if (intervalMs === 0 || timeoutMs < intervalMs) continue;
    report.add({
      code: "health-check-timeout",
      path,
      message: `the check's timeout (${active.timeout}) is not shorter than its interval (${active.interval}), so checks are put off`,
      remedy: "Make the interval longer, or the timeout shorter.",
    });
  }
};

/** Milliseconds; 0 for an absent duration. */
function checkRange(duration: string | undefined, minMs: number, path: Path, report: Report): number {
  const ms = duration === undefined ? 0 : durationMs(duration);
  if (duration !== undefined && (ms < minMs || ms > maxTimerMs)) {
    const expected = ms < minMs ? "longer than 0s" : `of at most ${Math.floor(maxTimerMs / 3_600_000)}h`;
    report.add({
      code: "duration-range",
      path,
      message: `expected a duration ${expected}; found ${duration}`,
    });
  }
  return ms;
}
