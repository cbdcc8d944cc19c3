// The one set of latency buckets, so that histograms of all isolates and regions can be added up. The bounds are those
// that Prometheus clients default to.

/** Upper bounds, inclusive; one more bucket takes what is above the last. */
export const latencyBoundsMs = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000] as const;

export const latencyBuckets = latencyBoundsMs.length + 1;

/** A histogram on the wire: requests of each bucket alone (not those below), then the sum of all latencies in ms. */
export const histogramValues = latencyBuckets + 1;

export function latencyBucket(latencyMs: number): number {
  let bucket = 0;
  while (bucket < latencyBoundsMs.length && latencyMs > latencyBoundsMs[bucket]!) bucket += 1;
  return bucket;
}
