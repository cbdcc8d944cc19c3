// Random, in proportion to the shares.
import type { Algorithm } from "./algorithm.ts";
import type { EndpointPool } from "./endpoint-pool.ts";
import type { PickRequest } from "./pick-request.ts";
import { WeightedSampler } from "./weighted-sampler.ts";

export class Random implements Algorithm {
  private readonly sampler: WeightedSampler;

  constructor(pool: EndpointPool, random: () => number) {
    this.sampler = new WeightedSampler(pool, random);
  }

  pick(request: PickRequest): number {
    return request.exclude === undefined ? this.sampler.sample() : this.sampler.sampleExcept(request.exclude);
  }
}
