// Consistent hashing: a table of 65,536 slots as in Maglev (Eisenbud et al., NSDI 2016, §3.4), but each slot goes to the
// winner of a weighted rendezvous (Thaler and Ravishankar, 1998) instead of a permutation fill. So an endpoint that comes
// takes only its own share, one that goes gives away only its own, and health changes need no rebuild of the others' slots.
// Small pools compute the winner; larger ones remember it per slot.
import type { Algorithm } from "./algorithm.ts";
import { isExcluded } from "./algorithm.ts";
import type { EndpointPool } from "./endpoint-pool.ts";
import { hashText, mix32 } from "./hash-text.ts";
import type { PickRequest } from "./pick-request.ts";
import { WeightedSampler } from "./weighted-sampler.ts";

const slots = 65_536;
/** Above this many endpoints winners are remembered: 128 KiB per backend that is in use. */
const computeUpTo = 16;
const unknown = -2;

export class ConsistentHash implements Algorithm {
  private readonly pool: EndpointPool;
  private readonly sampler: WeightedSampler;
  /** How far above its fair share of the requests under way an endpoint may be; Infinity: no bound. */
  private readonly boundFactor: number;
  private readonly subsetSize: number;
  private readonly random: () => number;
  private readonly seeds: Uint32Array;
  private winners: Int16Array | undefined;
  private generation = -1;
  private totalShare = 0;
  /** Scratch of `winner`: the best draw of each distinct share. */
  private readonly groupOf: Uint16Array;
  private readonly groupShare: Float64Array;
  private readonly groupBest: Int32Array;
  private readonly groupDraw: Float64Array;
  private groups = 0;

  /** `subsetSize`: endpoints that share the requests of one key. */
  constructor(pool: EndpointPool, random: () => number, boundFactor = Infinity, subsetSize = 1) {
    this.pool = pool;
    this.random = random;
    this.subsetSize = subsetSize;
    this.sampler = new WeightedSampler(pool, random);
    this.boundFactor = boundFactor;
    this.seeds = distinctSeeds(pool.ids);
    this.groupOf = new Uint16Array(pool.size);
    this.groupShare = new Float64Array(pool.size);
    this.groupBest = new Int32Array(pool.size);
    this.groupDraw = new Float64Array(pool.size);
  }

  pick(request: PickRequest): number {
    const { hashKey, exclude } = request;
    if (hashKey === undefined) {
      return exclude === undefined ? this.sampler.sample() : this.sampler.sampleExcept(exclude);
    }
    if (this.generation !== this.pool.generation) this.regroup();
    const slot = mix32(hashKey) & (slots - 1);
    const limit = this.boundFactor === Infinity ? Infinity : this.boundPerShare();
    if (this.subsetSize > 1) return this.oneOfSubset(slot, exclude, limit);
    const favourite = this.favourite(slot);
    if (favourite < 0) return -1;
    if (!isExcluded(exclude, favourite) && this.admits(favourite, limit)) return favourite;
    return this.winner(slot, exclude, limit);
  }

  private favourite(slot: number): number {
    if (this.pool.size <= computeUpTo) return this.winner(slot, undefined, Infinity);
    this.winners ??= new Int16Array(slots).fill(unknown);
    let index = this.winners[slot]!;
    if (index === unknown) {
      index = this.winner(slot, undefined, Infinity);
      this.winners[slot] = index;
    }
    return index;
  }

  /** One of those that would get the key one after the other if they went away: an endpoint that comes or goes moves one. */
  private oneOfSubset(slot: number, exclude: readonly number[] = [], limit: number): number {
    const passed = [...exclude];
    const count = Math.min(this.subsetSize, this.pool.memberCount);
    for (let rank = Math.floor(this.random() * count); rank > 0; rank--) {
      const index = this.winner(slot, passed, limit);
      if (index < 0) break;
      passed.push(index);
    }
    const index = this.winner(slot, passed, limit);
    // Fewer are left than the draw was for.
    return index < 0 ? this.winner(slot, exclude, limit) : index;
  }

  /** Consistent hashing with bounded loads (Mirrokni et al., 2018): requests allowed per unit of share. */
  private boundPerShare(): number {
    return (this.boundFactor * (this.pool.totalInFlight + 1)) / this.totalShare;
  }

  private admits(index: number, limit: number): boolean {
    return limit === Infinity || this.pool.inFlight[index]! + 1 <= Math.ceil(limit * this.pool.share[index]!);
  }

  /**
   * Member with the lowest -ln(draw)/share for this slot. Among equal shares that is the highest draw, so a logarithm is
   * needed only once per distinct share.
   */
  private winner(slot: number, exclude: readonly number[] | undefined, limit: number): number {
    const { members, memberCount } = this.pool;
    const { seeds, groupOf, groupBest, groupDraw, groupShare, groups } = this;
    for (let group = 0; group < groups; group++) groupBest[group] = -1;
    const salt = Math.imul(slot + 1, 0x9e3779b1);
    for (let n = 0; n < memberCount; n++) {
      const index = members[n]!;
      const group = groupOf[index]!;
      const draw = mix32(seeds[index]! ^ salt);
      if (groupBest[group]! >= 0 && draw <= groupDraw[group]!) continue;
      if (exclude !== undefined && isExcluded(exclude, index)) continue;
      if (!this.admits(index, limit)) continue;
      groupBest[group] = index;
      groupDraw[group] = draw;
    }
    if (groups === 1) return groupBest[0]!;
    let best = -1;
    let bestScore = Infinity;
    for (let group = 0; group < groups; group++) {
      if (groupBest[group]! < 0) continue;
      const score = -Math.log((groupDraw[group]! + 0.5) / 2 ** 32) / groupShare[group]!;
      if (score < bestScore) {
        best = groupBest[group]!;
        bestScore = score;
      }
    }
    return best;
  }

  private regroup(): void {
    const { members, memberCount, share, generation } = this.pool;
    const groupByShare = new Map<number, number>();
    this.totalShare = 0;
    for (let n = 0; n < memberCount; n++) {
      const index = members[n]!;
      this.totalShare += share[index]!;
      let group = groupByShare.get(share[index]!);
      if (group === undefined) {
        group = groupByShare.size;
        groupByShare.set(share[index]!, group);
        this.groupShare[group] = share[index]!;
      }
      this.groupOf[index] = group;
    }
    this.groups = groupByShare.size;
    this.winners?.fill(unknown);
    this.generation = generation;
  }
}

/** One seed per endpoint id. Two ids with the same hash would tie in every slot, so the later one is hashed on. */
function distinctSeeds(ids: readonly string[]): Uint32Array {
  const taken = new Set<number>();
  return Uint32Array.from(ids, (id) => {
    let seed = hashText(id);
    while (taken.has(seed)) seed = mix32(seed + 1);
    taken.add(seed);
    return seed;
  });
}
