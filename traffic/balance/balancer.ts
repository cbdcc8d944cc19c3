// Picks the endpoint of a backend for each request. One balancer per backend and isolate; it lives as long as the snapshot.
import type { SnapshotBackend } from "#contract/snapshot.ts";
import type { Algorithm } from "./algorithm.ts";
import { ConsistentHash } from "./consistent-hash.ts";
import { EndpointPool } from "./endpoint-pool.ts";
import { LeastRequest } from "./least-request.ts";
import type { PickRequest, RequestOutcome } from "./pick-request.ts";
import { Random } from "./random.ts";
import { RoundRobin } from "./round-robin.ts";

export interface Balancer {
  /** Index into `backend.endpoints`, or -1 when no endpoint may be used. Endpoints of weight 0 are never picked. */
  pick(request: PickRequest): number;
  /** A request is on its way to the endpoint; call `ended` exactly once afterwards. */
  started(index: number): void;
  /** Throws `RangeError` when nothing is under way to the endpoint. */
  ended(index: number, outcome: RequestOutcome): void;
  /** Verdict of the health checks. Every endpoint is healthy until said otherwise. */
  setHealthy(index: number, healthy: boolean): void;
  /** Requests under way to the endpoint from this isolate. */
  inFlight(index: number): number;
}

/** `random` gives numbers in [0, 1); the same numbers and calls give the same picks. */
export function createBalancer(backend: SnapshotBackend, random: () => number): Balancer {
  const pool = new EndpointPool(backend.endpoints, 0);
  const algorithm = createAlgorithm(backend, pool, random);
  return {
    pick: (request) => algorithm.pick(request),
    started: (index) => pool.started(index),
    ended: (index) => pool.ended(index),
    setHealthy: (index, healthy) => pool.setHealthy(index, healthy),
    inFlight: (index) => pool.inFlight[index] ?? 0,
  };
}

function createAlgorithm(backend: SnapshotBackend, pool: EndpointPool, random: () => number): Algorithm {
  switch (backend.loadBalancer.type) {
    case "RoundRobin":
      return new RoundRobin(pool, random);
    case "LeastRequest":
      return new LeastRequest(pool, random);
    case "Random":
      return new Random(pool, random);
    case "ConsistentHash":
      return new ConsistentHash(pool, random);
  }
}
