// Active checks of the slice's endpoints, as the backend's policy asks, and the verdicts for the edge. The decisions are
// the machine's (`traffic/health/active-check.ts`); this dials, keeps the time and tells who listens.
import { startCheck, step } from "#traffic/health/active-check.ts";
import type { CheckState } from "#traffic/health/active-check.ts";
import type { CheckPlan } from "#traffic/health/check-plan.ts";
import type { SliceEndpoint } from "./config-slice.ts";
import type { Dial } from "./dial.ts";
import type { Log } from "./log.ts";
import { probe } from "./probe.ts";

export interface Verdict {
  readonly healthy: boolean;
  /** Healthy, but it wants no new clients. */
  readonly draining?: true;
  readonly reason: string;
}

export interface HealthProber {
  /** Checks exactly these endpoints from now on; what is known about those that stay is kept. */
  retarget(endpoints: ReadonlyMap<string, SliceEndpoint>): void;
  /** By endpoint key, each endpoint that was checked at least once. */
  verdicts(): Record<string, Verdict>;
  stop(): void;
}

export interface ProberOptions {
  readonly dial: Dial;
  readonly log: Log;
  readonly nowMs: () => number;
  readonly random: () => number;
  /** A verdict is new or changed. */
  onChange(key: string, verdict: Verdict): void;
}

interface Check {
  readonly subject: string;
  state: CheckState;
  timer: NodeJS.Timeout;
}

export function createHealthProber(options: ProberOptions): HealthProber {
  const { nowMs, random } = options;
  const checks = new Map<string, Check>();

  const start = (target: SliceEndpoint, plan: CheckPlan) => {
    const { policy } = plan;
    const state = startCheck(policy, nowMs(), random());
    const arm = () => setTimeout(() => void run(), Math.max(0, check.state.nextProbeMs - nowMs()));
    const run = async () => {
      const result = await probe(target, plan, options.dial);
      if (checks.get(target.key) !== check) return;
      const before = check.state;
      check.state = step(policy, before, result, nowMs(), random());
      if (!before.proven || isNews(before, check.state)) announce(target.key, check.state);
      check.timer = arm();
    };
    const check: Check = {
      subject: target.checkSubject,
      state,
      timer: setTimeout(() => void run(), state.nextProbeMs - nowMs()),
    };
    checks.set(target.key, check);
  };

  const announce = (key: string, state: CheckState) => {
    const { healthy, reason } = state;
    options.log.info(healthy ? "endpoint_healthy" : "endpoint_unhealthy", { endpoint: key, reason });
    options.onChange(key, verdictOf(state));
  };

  const drop = (key: string, check: Check) => {
    clearTimeout(check.timer);
    checks.delete(key);
  };

  return {
    retarget(endpoints) {
      for (const [key, check] of checks) {
        const target = endpoints.get(key);
        if (target?.checkSubject !== check.subject) drop(key, check);
      }
      for (const target of endpoints.values()) {
        if (target.check && !checks.has(target.key)) start(target, target.check);
      }
    },
    verdicts() {
      const proven = [...checks].filter(([, { state }]) => state.proven);
      return Object.fromEntries(proven.map(([key, { state }]) => [key, verdictOf(state)]));
    },
    stop() {
      for (const [key, check] of checks) drop(key, check);
    },
  };
}

function verdictOf({ healthy, draining, reason }: CheckState): Verdict {
  return { healthy, ...(draining && { draining }), reason };
}

function isNews(before: CheckState, after: CheckState): boolean {
  return before.healthy !== after.healthy || before.draining !== after.draining;
}
