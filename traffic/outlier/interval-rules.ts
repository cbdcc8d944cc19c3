// The rules of outlier detection that compare endpoints over one interval. Each gives the endpoints that stand out, with
// the reason; who of them is ejected is the detector's decision.
import type { PassiveHealthCheck } from "#contract/backend-policy.ts";

/** What one endpoint did in the interval. Endpoints that are ejected do not take part. */
export interface IntervalStats {
  readonly index: number;
  readonly requests: number;
  readonly failures: number;
  readonly answers: number;
  /** Latency at the percentile the policy names. */
  readonly latencyMs: number;
}

export interface Outlier {
  readonly index: number;
  readonly reason: string;
}

const percentText = (part: number) => `${(part * 100).toFixed(1)} %`;

/** Envoy success_rate: below the mean by more than stdevFactor/1000 standard deviations. */
export function successRateOutliers(
  policy: NonNullable<PassiveHealthCheck["successRate"]>,
  stats: readonly IntervalStats[],
): Outlier[] {
  const judged = stats.filter(({ requests }) => requests >= policy.requestVolume);
  if (judged.length < policy.minimumHosts) return [];
  const rates = judged.map(({ requests, failures }) => 1 - failures / requests);
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const variance = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length;
  const threshold = mean - (Math.sqrt(variance) * policy.stdevFactor) / 1_000;
  return judged.flatMap(({ index }, n) =>
    rates[n]! < threshold
      ? [{ index, reason: `success rate ${percentText(rates[n]!)}, below ${percentText(threshold)}` }]
      : [],
  );
}

/** Envoy failure_percentage: at or above a fixed part of failures. */
export function failurePercentageOutliers(
  policy: NonNullable<PassiveHealthCheck["failurePercentage"]>,
  stats: readonly IntervalStats[],
): Outlier[] {
  if (stats.length < policy.minimumHosts) return [];
  return stats.flatMap(({ index, requests, failures }) =>
    requests >= policy.requestVolume && failures * 100 >= policy.threshold * requests
      ? [{ index, reason: `${percentText(failures / requests)} of ${requests} requests failed` }]
      : [],
  );
}

/** Latency: beyond a multiple of the median of the other endpoints, and by a minimum, so that noise among fast ones is none. */
export function latencyOutliers(
  policy: NonNullable<PassiveHealthCheck["latency"]>,
  stats: readonly IntervalStats[],
): Outlier[] {
  const judged = stats.filter(({ answers }) => answers >= policy.requestVolume);
  if (judged.length < 2) return [];
  return judged.flatMap(({ index, latencyMs }) => {
    const others = judged.filter((other) => other.index !== index).map((other) => other.latencyMs);
    const median = medianOf(others);
    if (latencyMs <= policy.factor * median || latencyMs - median < policy.minimumExcessMs) return [];
    const seen = `p${policy.percentile} latency ${Math.round(latencyMs)} ms`;
    return [{ index, reason: `${seen}, others' median ${Math.round(median)} ms` }];
  });
}

function medianOf(values: number[]): number {
  const sorted = values.sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
