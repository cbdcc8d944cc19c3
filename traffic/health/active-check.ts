// The health of one endpoint as active checks see it: rise and fall, and when to probe next. Used by the gateway's region
// for direct endpoints and by the agent for tunnelled ones; both only dial, ask the clock and store what `step` returns.
//
// As in HAProxy (`init-state up`, its default) an endpoint is healthy until proven otherwise, but the very first probe
// decides alone; after that `unhealthyThreshold` consecutive failures take it down and `healthyThreshold` consecutive
// successes bring it back. One opposite result starts the count anew, so an endpoint that flaps faster keeps its verdict.
import type { ObservePolicy } from "#contract/backend-policy.ts";
import type { ActiveHealthCheck } from "#contract/snapshot.ts";

/** Plain data; may be stored as JSON and picked up by another process. */
export interface CheckState {
  readonly healthy: boolean;
  /** True: healthy, but new clients are to go elsewhere. */
  readonly draining?: true;
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
  /** True: it asks for no new clients. */
  readonly drains?: true;
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
  // HAProxy `disable-on-404`: it keeps an endpoint up, but alone does not bring one back.
  const counted = result.drains && !state.healthy && state.contrary === 0 ? { ...result, ok: false } : result;
  const { draining: wasDraining, ...next } = judge(check, state, counted, nowMs);
  const draining = next.healthy && (counted.ok ? counted.drains : wasDraining);
  const nextProbeMs = nowMs + Math.round(intervalMs(check, next) * (1 + jitterShare * (2 * unit - 1)));
  return { ...next, ...(draining && { draining }), nextProbeMs, reason: next.reason.slice(0, reasonChars) };
}

/** The state after requests have met so many errors in a row `reached` times (HAProxy `health_adjust`). */
export function observe(
  check: ActiveHealthCheck,
  state: CheckState,
  { layer, errorLimit, onError }: ObservePolicy,
  reached: number,
  nowMs: number,
): CheckState {
  const detail = `${errorLimit} errors in a row ${layer === "Layer4" ? "of connections" : "of requests"}`;
  const nextProbeMs = Math.min(state.nextProbeMs, nowMs + (check.fastIntervalMs ?? Infinity));
  let next = state;
  const failures = onError === "FastInterval" ? 0 : reached;
  for (let count = 0; count < failures; count += 1) {
    next = judge(check, nearer(check, next, onError), { ok: false, detail }, nowMs);
  }
  const draining = next.healthy && state.draining;
  const { draining: _before, ...rest } = next;
  return { ...rest, ...(draining && { draining }), nextProbeMs, reason: next.reason.slice(0, reasonChars) };
}

/** So that one more failure makes it down, or nearly. */
function nearer(check: ActiveHealthCheck, state: CheckState, onError: ObservePolicy["onError"]): CheckState {
  const last = check.unhealthyThreshold - 1;
  if (!state.healthy || onError === "FailCheck") return state;
  if (onError === "MarkDown") return { ...state, contrary: last };
  return state.contrary < last ? { ...state, contrary: last - 1 } : state;
}

function judge(check: ActiveHealthCheck, state: CheckState, result: ProbeResult, nowMs: number): CheckState {
  if (result.ok === state.healthy) {
    const isNews =
      !state.proven || state.contrary > 0 || (result.drains ?? false) !== (state.draining ?? false);
    return {
      ...state,
      proven: true,
      contrary: 0,
      reason: isNews ? settledReason(state, result) : state.reason,
    };
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
