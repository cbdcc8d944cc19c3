// Where HAProxy's `hash-type` places servers: a map of as many slots as the servers have weight, or a ring with 16
// points for each unit of weight. A hash then always finds the same server as in HAProxy, whichever are up.
import type { HashType } from "#contract/backend-policy.ts";
import { limits } from "#contract/limits.ts";
import type { Algorithm } from "./algorithm.ts";
import { isExcluded } from "./algorithm.ts";
import type { EndpointPool } from "./endpoint-pool.ts";
import { avalanche } from "./hash-type.ts";
import type { PickRequest } from "./pick-request.ts";
import { WeightedSampler } from "./weighted-sampler.ts";

export interface ServerTableSettings {
  readonly method: HashType["method"];
  /** HAProxy's number of each server. */
  readonly hashIds: readonly number[];
  /** How far above its fair share of the requests under way a server may be; Infinity: no bound. */
  readonly boundFactor: number;
}

interface Table {
  /** An endpoint's index for each slot or point. */
  readonly servers: Int32Array;
  /** Of a ring: its points in ascending order. */
  readonly points?: Uint32Array;
}

const pointsPerWeight = 16;
/** A server's points count from its number times this. */
const pointsPerServer = 4_096;
/** More than a ring has points. */
const maxPlaces = 2 ** 20;

export class ServerTable implements Algorithm {
  private readonly pool: EndpointPool;
  private readonly settings: ServerTableSettings;
  private readonly sampler: WeightedSampler;
  private table: Table = { servers: new Int32Array() };
  private weights: readonly number[] = [];
  private totalWeight = 0;
  private generation = -1;

  constructor(pool: EndpointPool, random: () => number, settings: ServerTableSettings) {
    this.pool = pool;
    this.settings = settings;
    this.sampler = new WeightedSampler(pool, random);
  }

  pick({ hashKey, exclude }: PickRequest): number {
    if (hashKey === undefined) {
      return exclude === undefined ? this.sampler.sample() : this.sampler.sampleExcept(exclude);
    }
    if (this.generation !== this.pool.generation) this.rebuild();
    const { servers, points } = this.table;
    if (servers.length === 0) return -1;
    const slot = points ? nearest(points, hashKey) : hashKey % servers.length;
    for (let step = 0; step < servers.length; step++) {
      const index = servers[(slot + step) % servers.length]!;
      if (!isExcluded(exclude, index) && this.admits(index)) return index;
    }
    return exclude === undefined ? servers[slot]! : -1;
  }

  /** HAProxy's bound holds for its ring alone. */
  private admits(index: number): boolean {
    const { boundFactor, method } = this.settings;
    if (boundFactor === Infinity || method === "MapBased") return true;
    const slots = Math.ceil((this.pool.totalInFlight + 1) * boundFactor);
    return this.pool.inFlight[index]! < Math.max(1, (slots * this.weights[index]!) / this.totalWeight);
  }

  private rebuild(): void {
    const { pool, settings } = this;
    const isMap = settings.method === "MapBased";
    const members = pool.members.subarray(0, pool.memberCount);
    this.weights = bounded(isMap ? reduced(pool.weights) : [...pool.weights]);
    this.totalWeight = members.reduce((sum, index) => sum + this.weights[index]!, 0);
    this.table = isMap
      ? { servers: mapOf([...members], this.weights) }
      : ringOf(members, this.weights, settings.hashIds);
    this.generation = pool.generation;
  }
}

/** Without what all weights have in common: so HAProxy makes its maps. */
function reduced(weights: Float64Array): number[] {
  const divisor = weights.reduce((a, b) => commonDivisor(a, b), 0) || 1;
  return Array.from(weights, (weight) => weight / divisor);
}

/** Of more than a table has room for, a like share. */
function bounded(weights: readonly number[]): readonly number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total <= limits.serverTableWeight) return weights;
  const factor = limits.serverTableWeight / total;
  return weights.map((weight) => (weight === 0 ? 0 : Math.max(1, Math.floor(weight * factor))));
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

/** Smooth weighted round robin, once around; in equal positions the first server goes first. */
function mapOf(members: readonly number[], weights: readonly number[]): Int32Array {
  const total = members.reduce((sum, index) => sum + weights[index]!, 0);
  const scores = members.map(() => 0);
  return Int32Array.from({ length: total }, () => {
    let best = -1;
    let highest = 0;
    members.forEach((index, position) => {
      scores[position]! += weights[index]!;
      const turns = Math.floor((scores[position]! + total) / total);
      if (best >= 0 && turns <= highest) return;
      best = position;
      highest = turns;
    });
    scores[best]! -= total;
    return members[best]!;
  });
}

function ringOf(
  members: Int32Array,
  weights: readonly number[],
  hashIds: readonly number[],
): Required<Table> {
  const owners = [...members].flatMap((server) =>
    Array<number>(weights[server]! * pointsPerWeight).fill(server),
  );
  // A point and, below it, its place in the list: points that coincide stay in the order of servers.
  const places = new Float64Array(owners.length);
  let [server, node] = [-1, 0];
  owners.forEach((owner, place) => {
    node = owner === server ? node + 1 : 0;
    server = owner;
    places[place] = avalanche(Math.imul(hashIds[owner]!, pointsPerServer) + node) * maxPlaces + place;
  });
  places.sort();
  return {
    servers: Int32Array.from(places, (place) => owners[place % maxPlaces]!),
    points: Uint32Array.from(places, (place) => Math.floor(place / maxPlaces)),
  };
}

/** Position of the point that is closest to the hash, of two equally close ones the one before it. */
function nearest(points: Uint32Array, hash: number): number {
  let [low, high] = [0, points.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (points[middle]! < hash) low = middle + 1;
    else high = middle;
  }
  const next = low === points.length ? 0 : low;
  const previous = next === 0 ? points.length - 1 : next - 1;
  const [before, behind] = [(hash - points[previous]!) >>> 0, (points[next]! - hash) >>> 0];
  return before <= behind ? previous : next;
}
