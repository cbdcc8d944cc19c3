// Outlier detection for one backend (Envoy docs: arch_overview/upstream/outlier): which endpoints are ejected because of how
// requests on them end. Consecutive failures act at once, comparisons between endpoints once per interval.
//
// An endpoint that returns is on probation: until its first success a single failure ejects it again. With the balancer's
// ramp after an ejection and the jitter of its length, recovery is no stampede.
import type { PassiveHealthCheck } from "#contract/backend-policy.ts";
import type { IntervalStats, Outlier } from "./interval-rules.ts";
import { failurePercentageOutliers, latencyOutliers, successRateOutliers } from "./interval-rules.ts";
import { LatencyHistogram } from "./latency-histogram.ts";
import { ejectionAllowance } from "./merge-ejections.ts";

/** `gateway-error` is 502, 503 or 504; `local-origin-failure` a connect failure, reset or timeout without an answer. */
export type RequestResult = "success" | "error-5xx" | "gateway-error" | "local-origin-failure";

export interface EjectionChange {
  readonly index: number;
  readonly ejected: boolean;
  /** For people: which rule, and what was seen. Empty for a return. */
  readonly reason: string;
  /** End of the ejection; 0 for a return. */
  readonly untilMs: number;
}

interface EndpointState {
  consecutive5xx: number;
  consecutiveGateway: number;
  consecutiveLocal: number;
  requests: number;
  failures: number;
  readonly latency: LatencyHistogram;
  /** 0: not ejected. */
  ejectedUntilMs: number;
  /** Ejections so far; each interval without one takes one off. */
  ejections: number;
  probation: boolean;
}

/** Ejections last up to this part longer, so that endpoints that went together do not return together. */
const jitterShare = 0.1;

export class OutlierDetector {
  private readonly policy: PassiveHealthCheck;
  private readonly random: () => number;
  private readonly ids: readonly string[];
  private readonly endpoints: EndpointState[];
  private nextIntervalMs = 0;

  /** `previous`: the detector of the snapshot before; endpoints keep their state by id. */
  constructor(
    policy: PassiveHealthCheck,
    ids: readonly string[],
    random: () => number,
    previous?: OutlierDetector,
  ) {
    this.policy = policy;
    this.random = random;
    this.ids = ids;
    const known = new Map(previous?.ids.map((id, index) => [id, previous.endpoints[index]!]));
    this.endpoints = ids.map((id) => known.get(id) ?? newEndpoint());
    this.nextIntervalMs = previous?.nextIntervalMs ?? 0;
  }

  /** Takes note of how a request ended. Returns the ejection that follows from it, if any. */
  record(index: number, result: RequestResult, latencyMs: number, nowMs: number): EjectionChange | undefined {
    const endpoint = this.endpoints[index];
    // Requests that were under way when it was ejected say nothing new.
    if (endpoint === undefined || endpoint.ejectedUntilMs > 0) return undefined;
    endpoint.requests++;
    if (result === "success") {
      endpoint.latency.record(latencyMs);
      endpoint.consecutive5xx = 0;
      endpoint.consecutiveGateway = 0;
      endpoint.consecutiveLocal = 0;
      endpoint.probation = false;
      return undefined;
    }
    endpoint.failures++;
    const reason = this.countFailure(endpoint, result);
    return reason === undefined ? undefined : this.eject(index, reason, nowMs);
  }

  /** Ends what is due and, once per interval, compares the endpoints. Call about once a second; cheap when nothing is due. */
  tick(nowMs: number): EjectionChange[] {
    const changes = this.endEjections(nowMs);
    if (nowMs < this.nextIntervalMs) return changes;
    const first = this.nextIntervalMs === 0;
    this.nextIntervalMs = nowMs + this.policy.intervalMs;
    if (first) return changes;
    for (const { index, reason } of this.outliers()) {
      const change = this.eject(index, reason, nowMs);
      if (change !== undefined) changes.push(change);
    }
    for (const endpoint of this.endpoints) closeInterval(endpoint);
    return changes;
  }

  /** Ejections in force, by endpoint id: what an isolate reports to its region. */
  ejections(): { id: string; untilMs: number }[] {
    return this.endpoints.flatMap(({ ejectedUntilMs }, index) =>
      ejectedUntilMs > 0 ? [{ id: this.ids[index]!, untilMs: ejectedUntilMs }] : [],
    );
  }

  private countFailure(endpoint: EndpointState, result: RequestResult): string | undefined {
    const { policy } = this;
    const local = result === "local-origin-failure";
    const external = !local || !policy.splitExternalLocalOriginErrors;
    // A 502, 503 or 504 is a 5xx, too; so is a missing answer, unless the two are split.
    if (external) endpoint.consecutive5xx++;
    if (external && result !== "error-5xx") endpoint.consecutiveGateway++;
    if (local && policy.splitExternalLocalOriginErrors) endpoint.consecutiveLocal++;
    if (endpoint.probation) return `failed again on probation (${result})`;
    if (reached(endpoint.consecutiveGateway, policy.consecutiveGatewayErrors)) {
      return `${endpoint.consecutiveGateway} consecutive gateway errors`;
    }
    if (reached(endpoint.consecutive5xx, policy.consecutive5xxErrors)) {
      return `${endpoint.consecutive5xx} consecutive 5xx errors`;
    }
    if (reached(endpoint.consecutiveLocal, policy.consecutiveLocalOriginFailures)) {
      return `${endpoint.consecutiveLocal} consecutive failures without an answer`;
    }
    return undefined;
  }

  private outliers(): Outlier[] {
    const { successRate, failurePercentage, latency } = this.policy;
    const stats: IntervalStats[] = this.endpoints.flatMap((endpoint, index) =>
      endpoint.ejectedUntilMs > 0
        ? []
        : [
            {
              index,
              requests: endpoint.requests,
              failures: endpoint.failures,
              answers: endpoint.latency.count,
              latencyMs: latency === undefined ? 0 : endpoint.latency.quantileMs(latency.percentile),
            },
          ],
    );
    return [
      ...(successRate === undefined ? [] : successRateOutliers(successRate, stats)),
      ...(failurePercentage === undefined ? [] : failurePercentageOutliers(failurePercentage, stats)),
      ...(latency === undefined ? [] : latencyOutliers(latency, stats)),
    ];
  }

  /** Undefined when the endpoint is ejected already or too many others are. */
  private eject(index: number, reason: string, nowMs: number): EjectionChange | undefined {
    const endpoint = this.endpoints[index]!;
    const ejected = this.endpoints.filter(({ ejectedUntilMs }) => ejectedUntilMs > 0).length;
    const allowed = ejectionAllowance(this.endpoints.length, this.policy.maxEjectionPercent);
    if (endpoint.ejectedUntilMs > 0 || ejected >= allowed) return undefined;
    endpoint.ejections++;
    const { baseEjectionTimeMs, maxEjectionTimeMs } = this.policy;
    // As in Envoy the longest time is never below the base time.
    const wantedMs = Math.min(
      baseEjectionTimeMs * endpoint.ejections,
      Math.max(maxEjectionTimeMs, baseEjectionTimeMs),
    );
    endpoint.ejectedUntilMs = nowMs + wantedMs * (1 + jitterShare * this.random());
    return { index, ejected: true, reason, untilMs: endpoint.ejectedUntilMs };
  }

  private endEjections(nowMs: number): EjectionChange[] {
    return this.endpoints.flatMap((endpoint, index) => {
      if (endpoint.ejectedUntilMs === 0 || nowMs < endpoint.ejectedUntilMs) return [];
      Object.assign(endpoint, { ...newEndpoint(), ejections: endpoint.ejections, probation: true });
      return [{ index, ejected: false, reason: "", untilMs: 0 }];
    });
  }
}

const reached = (count: number, threshold: number) => threshold > 0 && count >= threshold;

function newEndpoint(): EndpointState {
  return {
    consecutive5xx: 0,
    consecutiveGateway: 0,
    consecutiveLocal: 0,
    requests: 0,
    failures: 0,
    latency: new LatencyHistogram(),
    ejectedUntilMs: 0,
    ejections: 0,
    probation: false,
  };
}

function closeInterval(endpoint: EndpointState): void {
  endpoint.requests = 0;
  endpoint.failures = 0;
  endpoint.latency.clear();
  if (endpoint.ejectedUntilMs === 0 && !endpoint.probation) {
    endpoint.ejections = Math.max(0, endpoint.ejections - 1);
  }
}
