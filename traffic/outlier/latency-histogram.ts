// Latencies of one interval in logarithmic buckets, four to an octave: a quantile is right within 19 %, in 64 counters.

const bucketsPerOctave = 4;
const buckets = 64;

export class LatencyHistogram {
  count = 0;
  private readonly counts = new Uint32Array(buckets);

  /** Negative values count as 0; everything above 65 s as 65 s. */
  record(latencyMs: number): void {
    const bucket = Math.floor(Math.log2(Math.max(0, latencyMs) + 1) * bucketsPerOctave);
    this.counts[Math.min(bucket, buckets - 1)]!++;
    this.count++;
  }

  /** Middle of the bucket that holds the quantile (0 to 100), in milliseconds; 0 when nothing was recorded. */
  quantileMs(percentile: number): number {
    const rank = Math.ceil((percentile / 100) * this.count);
    let seen = 0;
    for (let bucket = 0; bucket < buckets; bucket++) {
      seen += this.counts[bucket]!;
      if (seen >= rank && seen > 0) return 2 ** ((bucket + 0.5) / bucketsPerOctave) - 1;
    }
    return 0;
  }

  clear(): void {
    this.counts.fill(0);
    this.count = 0;
  }
}
