// The health of one endpoint as active checks see it: rise and fall, and when to probe next. Used by the gateway's region
// for direct endpoints and by the agent for tunnelled ones; both only dial, ask the clock and store what `step` returns.
//
// As in HAProxy (`init-state up`, its default) an endpoint is healthy until proven otherwise, but the very first probe
// decides alone; after that `unhealthyThreshold` consecutive failures take it down and `healthyThreshold` consecutive
// successes bring it back. One opposite result starts the count anew, so an endpoint that flaps faster keeps its verdict.
import type { ActiveHealthCheck } from "#contract/snapshot.ts";
import { compilePattern } from "../match/pattern/pattern.ts";

/** Plain data; may be stored as JSON and picked up by another process. */
export interface CheckState {
  readonly healthy: boolean;
  /** False until the first probe has ended. */
  readonly proven: boolean;
  /** Consecutive results that contradict `healthy`. */
  readonly contrary: number;
  /** Time of the last change of `healthy`, or of the start. */
  readonly sinceMs: number;
  readonly nextProbeMs: number;
  /** One line for people: why the verdict is what it is. At most 256 characters. */
  readonly reason: string;
}

export interface ProbeResult {
  readonly ok: boolean;
  /** What was seen, e.g. `status 503, expected 200` or `connection refused`. */
  readonly detail: string;
}

/** Intervals vary by this share to either side, so that probes of many endpoints do not stay in step. */
const jitterShare = 0.1;
const reasonChars = 256;

/** State of an endpoint that was never probed. `unit` in [0, 1) spreads first probes over one interval. */
export function startCheck(check: ActiveHealthCheck, nowMs: number, unit: number): CheckState {
  return {
    healthy: true,
    proven: false,
    contrary: 0,
    sinceMs: nowMs,
    nextProbeMs: nowMs + Math.floor(unit * check.intervalMs),
    reason: "not checked yet",
  };
}

/** The state after a probe that ended at `nowMs`. `unit` in [0, 1) is this interval's jitter. */
export function step(
  check: ActiveHealthCheck,
  state: CheckState,
  result: ProbeResult,
  nowMs: number,
  unit: number,
): CheckState {
  const next = judge(check, state, result, nowMs);
  const nextProbeMs = nowMs + Math.round(intervalMs(check, next) * (1 + jitterShare * (2 * unit - 1)));
  return { ...next, nextProbeMs, reason: next.reason.slice(0, reasonChars) };
}

function judge(check: ActiveHealthCheck, state: CheckState, result: ProbeResult, nowMs: number): CheckState {
  if (result.ok === state.healthy) {
    const reason = state.proven && state.contrary === 0 ? state.reason : settledReason(state, result);
    return { ...state, proven: true, contrary: 0, reason };
  }
  const contrary = state.contrary + 1;
  const threshold = state.healthy ? check.unhealthyThreshold : check.healthyThreshold;
  const changes = !state.proven || contrary >= threshold;
  const verb = result.ok ? "passed" : "failed";
  const count = state.proven ? `${contrary} of ${threshold} checks ${verb}` : `first check ${verb}`;
  return {
    ...state,
    healthy: changes ? result.ok : state.healthy,
    proven: true,
    contrary: changes ? 0 : contrary,
    sinceMs: changes ? nowMs : state.sinceMs,
    reason: `${count}: ${result.detail}`,
  };
}

function intervalMs(check: ActiveHealthCheck, state: CheckState): number {
  if (state.contrary > 0) return check.fastIntervalMs ?? check.intervalMs;
  return state.healthy ? check.intervalMs : (check.downIntervalMs ?? check.intervalMs);
}

function settledReason(state: CheckState, result: ProbeResult): string {
  return `${state.healthy ? "check passed" : "check failed"}: ${result.detail}`;
}

/**
 * Whether the body has what the check asks for, as far as it has been read; `undefined`: the check asks for nothing, so that it
 * need not be read.
 */
export function bodyTest({ http }: ActiveHealthCheck): ((bodyStart: string) => boolean) | undefined {
  const { expectedBody: text, expectedBodyPattern: source } = http ?? {};
  if (text === undefined && source === undefined) return undefined;
  const pattern = source === undefined ? undefined : compilePattern(source);
  return (bodyStart) => bodyStart.includes(text ?? "") && (pattern?.isIn(bodyStart) ?? true);
}

/** Verdict on an HTTP probe that was answered. `bodyStart` need be read only where there is a {@link bodyTest}. */
export function judgeHttpProbe(check: ActiveHealthCheck, status: number, bodyStart = ""): ProbeResult {
  const expected = check.http?.expectedStatuses ?? [200];
  if (!expected.includes(status)) {
    const named = expected.length > 20 ? "another" : expected.join(" or ");
    return { ok: false, detail: `status ${status}, expected ${named}` };
  }
  if (bodyTest(check)?.(bodyStart) === false) {
    const text = check.http?.expectedBody ?? check.http!.expectedBodyPattern!;
    return { ok: false, detail: `status ${status}, but the body lacks ${JSON.stringify(text.slice(0, 64))}` };
  }
  return { ok: true, detail: `status ${status}` };
}

/** Verdict on a gRPC health check: the call's own status, and whether its answer says SERVING. */
export function judgeGrpcProbe(httpStatus: number, grpcStatus: string, serving: boolean): ProbeResult {
  if (httpStatus !== 200) return { ok: false, detail: `status ${httpStatus}, expected 200` };
  if (grpcStatus !== "0") return { ok: false, detail: `grpc-status ${grpcStatus || "missing"}, expected 0` };
  return { ok: serving, detail: serving ? "SERVING" : "not SERVING" };
}

/** Verdict on a probe that found no answer within `timeoutMs`; `soFar`: what it would have been if nothing more had come. */
export function judgeTimeout({ timeoutMs }: ActiveHealthCheck, soFar?: ProbeResult): ProbeResult {
  return { ok: false, detail: `${soFar?.detail ?? "no answer"} within ${timeoutMs} ms` };
}
