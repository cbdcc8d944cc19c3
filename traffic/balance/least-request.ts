// Least request: the endpoint with the fewest requests under way per unit of share, as this isolate counts them.
// Up to `exactUpTo` members all are compared (HAProxy `leastconn`); beyond, two drawn by share (Envoy, "power of two
// choices"), which keeps the cost constant and is nearly as even.
import type { Algorithm } from "./algorithm.ts";
import { isExcluded } from "./algorithm.ts";
import type { EndpointPool } from "./endpoint-pool.ts";
import type { PickRequest } from "./pick-request.ts";
import { WeightedSampler } from "./weighted-sampler.ts";

/** A scan of 16 costs about as much as two draws (bench/balance.ts). */
export const exactUpTo = 16;

export class LeastRequest implements Algorithm {
  private readonly pool: EndpointPool;
  private readonly sampler: WeightedSampler;
  private readonly exactUpTo: number;
  /** Equally loaded endpoints take turns by share: the one whose turn came longest ago is next. */
  private readonly turn: Float64Array;
  private virtualTime = 0;

  constructor(pool: EndpointPool, random: () => number, exact: number = exactUpTo) {
    this.pool = pool;
    this.sampler = new WeightedSampler(pool, random);
    this.exactUpTo = exact;
    this.turn = new Float64Array(pool.size);
  }

  pick(request: PickRequest): number {
    const index =
      this.pool.memberCount <= this.exactUpTo || request.exclude !== undefined
        ? this.least(request.exclude)
        : this.lesserOfTwo();
    if (index >= 0) this.takeTurn(index);
    return index;
  }

  private least(exclude: readonly number[] | undefined): number {
    const { memberCount, members, share, inFlight } = this.pool;
    const { turn } = this;
    let best = -1;
    let bestLoad = Infinity;
    for (let n = 0; n < memberCount; n++) {
      const index = members[n]!;
      if (exclude !== undefined && isExcluded(exclude, index)) continue;
      const load = inFlight[index]! / share[index]!;
      if (load < bestLoad || (load === bestLoad && turn[index]! < turn[best]!)) {
        best = index;
        bestLoad = load;
      }
    }
    return best;
  }

  private lesserOfTwo(): number {
    const { share, inFlight } = this.pool;
    const one = this.sampler.sample();
    const other = this.sampler.sampleOther(one);
    const oneLoad = inFlight[one]! / share[one]!;
    const otherLoad = inFlight[other]! / share[other]!;
    // The first draw wins ties, so that idle endpoints are picked in proportion to their shares.
    return otherLoad < oneLoad ? other : one;
  }

  /** Start-time fair queueing: an endpoint that was passed over for long has at most one turn in hand, not a burst. */
  private takeTurn(index: number): void {
    if (this.turn[index]! > this.virtualTime) this.virtualTime = this.turn[index]!;
    this.turn[index] = this.virtualTime + 1 / this.pool.share[index]!;
  }
}
