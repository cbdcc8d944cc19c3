// Active checks of the slice's endpoints, as the backend's policy asks, and the verdicts for the edge. The decisions are
// the machine's (`traffic/health/active-check.ts`); this dials, keeps the time and tells who listens.
import type { ActiveHealthCheck } from "#contract/snapshot.ts";
import { startCheck, step } from "#traffic/health/active-check.ts";
import type { CheckState } from "#traffic/health/active-check.ts";
import type { SliceEndpoint } from "./config-slice.ts";
import type { Dial } from "./dial.ts";
import type { Log } from "./log.ts";
import { probe } from "./probe.ts";

export interface Verdict {
  readonly healthy: boolean;
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
  readonly policy: ActiveHealthCheck;
  /** Way to the endpoint and policy as text: a check whose subject is the same goes on. */
  readonly subject: string;
  state: CheckState;
  timer: NodeJS.Timeout;
}

export function createHealthProber(options: ProberOptions): HealthProber {
  const { nowMs, random } = options;
  const checks = new Map<string, Check>();

  const start = (target: SliceEndpoint, policy: ActiveHealthCheck, subject: string) => {
    const state = startCheck(policy, nowMs(), random());
    const arm = () => setTimeout(() => void run(), Math.max(0, check.state.nextProbeMs - nowMs()));
    const run = async () => {
      const result = await probe(target, policy, options.dial);
      if (checks.get(target.key) !== check) return;
      const before = check.state;
      check.state = step(policy, before, result, nowMs(), random());
      if (!before.proven || before.healthy !== check.state.healthy) announce(target.key, check.state);
      check.timer = arm();
    };
    const check: Check = {
      policy,
      subject,
      state,
      timer: setTimeout(() => void run(), state.nextProbeMs - nowMs()),
    };
    checks.set(target.key, check);
  };

  const announce = (key: string, { healthy, reason }: CheckState) => {
    options.log.info(healthy ? "endpoint_healthy" : "endpoint_unhealthy", { endpoint: key, reason });
    options.onChange(key, { healthy, reason });
  };

  const drop = (key: string, check: Check) => {
    clearTimeout(check.timer);
    checks.delete(key);
  };

  return {
    retarget(endpoints) {
      for (const [key, check] of checks) {
        const target = endpoints.get(key);
        if (!target || subjectOf(target) !== check.subject) drop(key, check);
      }
      for (const target of endpoints.values()) {
        const policy = target.activeHealthCheck;
        if (policy && !checks.has(target.key)) start(target, policy, subjectOf(target));
      }
    },
    verdicts() {
      const proven = [...checks].filter(([, { state }]) => state.proven);
      return Object.fromEntries(
        proven.map(([key, { state }]) => [key, { healthy: state.healthy, reason: state.reason }]),
      );
    },
    stop() {
      for (const [key, check] of checks) drop(key, check);
    },
  };
}

function subjectOf({ connectionKey, activeHealthCheck }: SliceEndpoint): string {
  return JSON.stringify([connectionKey, activeHealthCheck ?? null]);
}
