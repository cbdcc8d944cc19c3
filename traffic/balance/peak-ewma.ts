// Peak EWMA (Finagle, Linkerd): of two endpoints drawn by share, the one whose recent latency times requests under way is
// lower. The average jumps up with a slow answer at once and comes down slowly.
import type { Algorithm } from "./algorithm.ts";
import { isExcluded } from "./algorithm.ts";
import type { EndpointPool } from "./endpoint-pool.ts";
import type { PickRequest, RequestOutcome } from "./pick-request.ts";
import { WeightedSampler } from "./weighted-sampler.ts";

/** Time constant of the average. */
const decayMs = 10_000;
/** A failure counts as an answer this slow; otherwise an endpoint that fails fast would draw all traffic (linkerd2#11669). */
const failureLatencyMs = 5_000;
/** Load of an endpoint whose first answer is still awaited: one request finds out, not a thousand. */
const unknownLoad = 1e9;

export class PeakEwma implements Algorithm {
  private readonly pool: EndpointPool;
  private readonly sampler: WeightedSampler;
  private readonly latencyMs: Float64Array;
  private readonly stampMs: Float64Array;

  constructor(pool: EndpointPool, random: () => number) {
    this.pool = pool;
    this.sampler = new WeightedSampler(pool, random);
    this.latencyMs = new Float64Array(pool.size);
    this.stampMs = new Float64Array(pool.size);
  }

  pick(request: PickRequest): number {
    if (request.exclude !== undefined) return this.least(request.exclude, request.nowMs);
    const one = this.sampler.sample();
    if (one < 0) return -1;
    const other = this.sampler.sampleOther(one);
    return this.load(other, request.nowMs) < this.load(one, request.nowMs) ? other : one;
  }

  ended(index: number, outcome: RequestOutcome): void {
    const seenMs = outcome.failed ? Math.max(outcome.latencyMs, failureLatencyMs) : outcome.latencyMs;
    const before = this.latencyMs[index]!;
    if (seenMs >= before) {
      this.latencyMs[index] = seenMs;
    } else {
      const keep = Math.exp(-Math.max(0, outcome.nowMs - this.stampMs[index]!) / decayMs);
      this.latencyMs[index] = before * keep + seenMs * (1 - keep);
    }
    this.stampMs[index] = outcome.nowMs;
  }

  /** Expected latency times the requests that would then be under way. Decays while nothing is heard, so a slow endpoint is tried again. */
  private load(index: number, nowMs: number): number {
    const latency = this.latencyMs[index]!;
    const inFlight = this.pool.inFlight[index]!;
    if (latency === 0) return inFlight === 0 ? 0 : unknownLoad + inFlight;
    const decay = Math.exp(-Math.max(0, nowMs - this.stampMs[index]!) / decayMs);
    return latency * decay * (inFlight + 1);
  }

  private least(exclude: readonly number[], nowMs: number): number {
    const { members, memberCount } = this.pool;
    let best = -1;
    let bestLoad = Infinity;
    for (let n = 0; n < memberCount; n++) {
      const index = members[n]!;
      if (isExcluded(exclude, index)) continue;
      const load = this.load(index, nowMs);
      if (load < bestLoad) {
        best = index;
        bestLoad = load;
      }
    }
    return best;
  }
}
