// Draws a member of a pool with probability proportional to its share, in O(1): Vose's alias method.
// The table is rebuilt in O(n) after the pool changed.
import { isExcluded } from "./algorithm.ts";
import type { EndpointPool } from "./endpoint-pool.ts";

export class WeightedSampler {
  private readonly pool: EndpointPool;
  private readonly random: () => number;
  private readonly keep: Float64Array;
  private readonly alias: Int32Array;
  private readonly work: Int32Array;
  private generation = -1;

  constructor(pool: EndpointPool, random: () => number) {
    this.pool = pool;
    this.random = random;
    this.keep = new Float64Array(pool.size);
    this.alias = new Int32Array(pool.size);
    this.work = new Int32Array(pool.size);
  }

  /** A member, or -1 when there is none. One random number. */
  sample(): number {
    if (this.generation !== this.pool.generation) this.rebuild();
    const { memberCount, members } = this.pool;
    if (memberCount === 0) return -1;
    const scaled = this.random() * memberCount;
    const slot = scaled | 0;
    return members[scaled - slot < this.keep[slot]! ? slot : this.alias[slot]!]!;
  }

  /** A member other than `one`, unless that is the only one. Two more random numbers at most. */
  sampleOther(one: number): number {
    const { memberCount, members } = this.pool;
    let other = this.sample();
    if (other === one) other = this.sample();
    // Drawn three times in a row it has nearly all the share; any other will do.
    if (other === one) other = members[0] === one ? members[memberCount - 1]! : members[0]!;
    return other;
  }

  /** A member that is not in `exclude`, or -1. A linear walk: only retries come here. */
  sampleExcept(exclude: readonly number[]): number {
    const { memberCount, members, share } = this.pool;
    let total = 0;
    for (let n = 0; n < memberCount; n++) {
      if (!isExcluded(exclude, members[n]!)) total += share[members[n]!]!;
    }
    let rest = this.random() * total;
    let last = -1;
    for (let n = 0; n < memberCount; n++) {
      const index = members[n]!;
      if (isExcluded(exclude, index)) continue;
      last = index;
      rest -= share[index]!;
      if (rest < 0) break;
    }
    return last;
  }

  private rebuild(): void {
    const { memberCount, members, share, generation } = this.pool;
    const { keep, alias, work } = this;
    let total = 0;
    for (let n = 0; n < memberCount; n++) total += share[members[n]!]!;
    // Slots below the average stand at the front of `work`, the others at its back.
    let small = 0;
    let large = memberCount;
    for (let n = 0; n < memberCount; n++) {
      keep[n] = (share[members[n]!]! * memberCount) / total;
      alias[n] = n;
      if (keep[n]! < 1) work[small++] = n;
      else work[--large] = n;
    }
    while (small > 0 && large < memberCount) {
      const under = work[--small]!;
      const over = work[large]!;
      alias[under] = over;
      keep[over]! -= 1 - keep[under]!;
      if (keep[over]! < 1) {
        large++;
        work[small++] = over;
      }
    }
    // What is left differs from 1 by rounding only.
    for (let n = 0; n < small; n++) keep[work[n]!] = 1;
    for (let n = large; n < memberCount; n++) keep[work[n]!] = 1;
    this.generation = generation;
  }
}
