// State of one backend's endpoints within this isolate: who may be picked, with what share, and what is under way.
// Algorithms read `members` and `share`; `generation` tells them when to rebuild what they derived from those.
import type { Endpoint } from "#contract/snapshot.ts";

export class EndpointPool {
  readonly size: number;
  readonly ids: readonly string[];
  /** Weight now in force; 0 for an endpoint that gets no new traffic. */
  readonly share: Float64Array;
  readonly inFlight: Int32Array;
  totalInFlight = 0;
  /** Indexes with a share above 0, ascending; the first `memberCount` entries count. */
  readonly members: Int32Array;
  memberCount = 0;
  /** Grows whenever `share` or `members` changed. */
  generation = 0;

  private readonly weights: Float64Array;
  private readonly unhealthy: Uint8Array;
  private readonly panicShare: number;

  /** `panicPercent`: below this share of healthy endpoints health is ignored; 0 switches that off. */
  constructor(endpoints: readonly Endpoint[], panicPercent: number) {
    this.size = endpoints.length;
    this.ids = endpoints.map(({ id }) => id);
    this.weights = Float64Array.from(endpoints, ({ weight }) => weight);
    this.share = new Float64Array(this.size);
    this.inFlight = new Int32Array(this.size);
    this.members = new Int32Array(this.size);
    this.unhealthy = new Uint8Array(this.size);
    this.panicShare = panicPercent / 100;
    this.recompute();
  }

  setHealthy(index: number, healthy: boolean): void {
    const value = healthy ? 0 : 1;
    if (this.unhealthy[index] === value) return;
    this.unhealthy[index] = value;
    this.recompute();
  }

  started(index: number): void {
    this.inFlight[index]!++;
    this.totalInFlight++;
  }

  ended(index: number): void {
    if (this.inFlight[index] === 0) throw new RangeError(`endpoint ${index} has no request under way`);
    this.inFlight[index]!--;
    this.totalInFlight--;
  }

  private recompute(): void {
    let candidates = 0;
    let healthy = 0;
    for (let index = 0; index < this.size; index++) {
      if (this.weights[index] === 0) continue;
      candidates++;
      if (this.unhealthy[index] === 0) healthy++;
    }
    const panic = healthy < candidates * this.panicShare;
    this.memberCount = 0;
    for (let index = 0; index < this.size; index++) {
      const usable = panic || this.unhealthy[index] === 0;
      const share = usable ? this.weights[index]! : 0;
      this.share[index] = share;
      if (share > 0) this.members[this.memberCount++] = index;
    }
    this.generation++;
  }
}
