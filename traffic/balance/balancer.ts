// Picks the endpoint of a backend for each request. One balancer per backend and isolate; it lives as long as the snapshot.
import type { AdministrativeState } from "#contract/administration.ts";
import type { SnapshotBackend } from "#contract/snapshot.ts";
import type { Algorithm } from "./algorithm.ts";
import { ConsistentHash } from "./consistent-hash.ts";
import { EndpointPool, reasons } from "./endpoint-pool.ts";
import type { Reason } from "./endpoint-pool.ts";
import { LeastRequest, exactUpTo } from "./least-request.ts";
import { PeakEwma } from "./peak-ewma.ts";
import type { PickRequest, RequestOutcome } from "./pick-request.ts";
import { Random } from "./random.ts";
import { RoundRobin } from "./round-robin.ts";
import { ServerTable } from "./server-table.ts";
import type { LevelStatus } from "./shares.ts";

export interface BalancerStatus {
  /** Priority levels (and, with zone preference, the local zone before the others); says where health is ignored. */
  readonly levels: readonly LevelStatus[];
  readonly endpoints: readonly {
    readonly id: string;
    /** Part of new traffic, 0 to 1. */
    readonly load: number;
    readonly inFlight: number;
    readonly reasons: readonly Reason[];
  }[];
}

export interface Balancer {
  /** Index into `backend.endpoints`, or -1 when no endpoint may be used. Endpoints of weight 0 are never picked. */
  pick(request: PickRequest): number;
  /** A request is on its way to the endpoint; call `ended` exactly once afterwards. */
  started(index: number): void;
  /** Throws `RangeError` when nothing is under way to the endpoint. */
  ended(index: number, outcome: RequestOutcome): void;
  /** Verdict of the health checks. Every endpoint is healthy until said otherwise. `nowMs` starts a slow start; absent: the time of the last pick. */
  setHealthy(index: number, healthy: boolean, nowMs?: number): void;
  /** Verdict of outlier detection. After an ejection the share grows slowly, with or without slow start. */
  setEjected(index: number, ejected: boolean, nowMs: number): void;
  /** An operator's word, and a weight in place of the configured one. */
  administer(index: number, state: AdministrativeState, weight: number | undefined, nowMs: number): void;
  /** Whether an endpoint is up: healthy, not ejected, in service, with weight. */
  hasUp(): boolean;
  /** How many are. */
  endpointsUp(): number;
  /** Whether a persistent session may still use the endpoint: yes while it lives, also when it drains or has weight 0. */
  keepsSessions(index: number): boolean;
  /** Requests under way to the endpoint from this isolate. */
  inFlight(index: number): number;
  status(): BalancerStatus;
}

export interface BalancerOptions {
  /** Zone the gateway runs in. */
  readonly zone?: string | undefined;
  /** Balancer of the same backend in the snapshot before: all but ejections carries over by endpoint id, new endpoints start slowly. */
  readonly previous?: Balancer | undefined;
  /** Needed with `previous`. */
  readonly nowMs?: number | undefined;
}

/** `random` gives numbers in [0, 1); the same numbers and calls give the same picks. */
export function createBalancer(
  backend: SnapshotBackend,
  random: () => number,
  options: BalancerOptions = {},
): Balancer {
  const pool = new EndpointPool(backend.endpoints, poolSettings(backend, options.zone));
  const algorithm = createAlgorithm(backend, pool, random);
  const balancer = new PoolBalancer(pool, algorithm);
  if (options.previous !== undefined) inherit(pool, options.previous.status(), options.nowMs ?? 0);
  return balancer;
}

class PoolBalancer implements Balancer {
  private readonly pool: EndpointPool;
  private readonly algorithm: Algorithm;
  private lastPickMs = 0;

  constructor(pool: EndpointPool, algorithm: Algorithm) {
    this.pool = pool;
    this.algorithm = algorithm;
  }

  pick(request: PickRequest): number {
    this.lastPickMs = request.nowMs;
    if (request.nowMs >= this.pool.nextRampMs) this.pool.advance(request.nowMs);
    return this.algorithm.pick(request);
  }

  started(index: number): void {
    this.pool.started(index);
  }

  ended(index: number, outcome: RequestOutcome): void {
    this.pool.ended(index);
    this.algorithm.ended?.(index, outcome);
  }

  setHealthy(index: number, healthy: boolean, nowMs = this.lastPickMs): void {
    this.pool.mark(index, "unhealthy", !healthy, nowMs);
  }

  setEjected(index: number, ejected: boolean, nowMs: number): void {
    this.pool.mark(index, "ejected", ejected, nowMs);
  }

  administer(index: number, state: AdministrativeState, weight: number | undefined, nowMs: number): void {
    this.pool.mark(index, "drain", state === "drain", nowMs);
    this.pool.mark(index, "maintenance", state === "maintenance", nowMs);
    this.pool.setWeight(index, weight);
  }

  hasUp(): boolean {
    return this.pool.hasUp();
  }

  endpointsUp(): number {
    return this.pool.countUp();
  }

  keepsSessions(index: number): boolean {
    return this.pool.keepsSessions(index);
  }

  inFlight(index: number): number {
    return this.pool.inFlight[index] ?? 0;
  }

  status(): BalancerStatus {
    const { pool } = this;
    const total = pool.share.reduce((sum, share) => sum + share, 0);
    const names = Object.keys(reasons) as Reason[];
    return {
      levels: pool.levels,
      endpoints: pool.ids.map((id, index) => ({
        id,
        load: total === 0 ? 0 : pool.share[index]! / total,
        inFlight: pool.inFlight[index]!,
        reasons: names.filter((reason) => pool.has(index, reason)),
      })),
    };
  }
}

function inherit(pool: EndpointPool, previous: BalancerStatus, nowMs: number): void {
  const before = new Map(previous.endpoints.map((endpoint) => [endpoint.id, endpoint]));
  pool.ids.forEach((id, index) => {
    const known = before.get(id);
    if (known === undefined) pool.introduce(index, nowMs);
    // Ejections belong to the outlier detector, which carries them over itself and would have to end them.
    else for (const reason of known.reasons) pool.mark(index, reason, reason !== "ejected", nowMs);
  });
}

function poolSettings(backend: SnapshotBackend, zone: string | undefined) {
  const { loadBalancer, healthCheck, endpoints } = backend;
  const preferLocal = loadBalancer.zoneAware?.preferLocal;
  const zoneCounts = preferLocal !== undefined && endpoints.length >= preferLocal.minEndpointsThreshold;
  return {
    overprovisioning: (loadBalancer.overprovisioningFactor ?? 140) / 100,
    panicShare: (healthCheck.panicThreshold ?? 0) / 100,
    localZone: zoneCounts ? zone : undefined,
    // A changing share would move keys back and forth; Envoy has no slow start for hashing either.
    slowStart: loadBalancer.type === "ConsistentHash" ? undefined : loadBalancer.slowStart,
  };
}

function createAlgorithm(backend: SnapshotBackend, pool: EndpointPool, random: () => number): Algorithm {
  const { type, leastRequest } = backend.loadBalancer;
  switch (type) {
    case "RoundRobin":
      return new RoundRobin(pool, random);
    case "LeastRequest":
      return new LeastRequest(pool, random, leastRequest?.exact ? Infinity : exactUpTo);
    case "Random":
      return new Random(pool, random);
    case "ConsistentHash":
      return createHash(backend, pool, random);
    case "PeakEWMA":
      return new PeakEwma(pool, random);
  }
}

function createHash(
  { endpoints, loadBalancer }: SnapshotBackend,
  pool: EndpointPool,
  random: () => number,
): Algorithm {
  const { hashBalanceFactor = Infinity, hashType, subsetSize } = loadBalancer.consistentHash ?? {};
  const boundFactor = hashBalanceFactor / 100;
  if (!hashType) return new ConsistentHash(pool, random, boundFactor, subsetSize);
  const hashIds = endpoints.map(({ hashId }, index) => hashId ?? index + 1);
  return new ServerTable(pool, random, { method: hashType.method, hashIds, boundFactor });
}
