// Passive health of one backend in an isolate: its own outlier detector and the region's word, together in the balancer.
// An endpoint is out while either says so.
import type { PassiveHealthCheck } from "#contract/backend-policy.ts";
import type { Balancer } from "../balance/balancer.ts";
import { type EjectionChange, OutlierDetector, type RequestResult } from "./outlier-detector.ts";

/** What an isolate tells its region. */
export interface ReportedEjection {
  /** Endpoint id. */
  readonly id: string;
  readonly untilMs: number;
  readonly reason: string;
}

export class EndpointWatch {
  readonly #detector: OutlierDetector;
  readonly #balancer: Balancer;
  readonly #ids: readonly string[];
  readonly #reasons: Map<string, string>;
  #regional: ReadonlySet<string> = new Set();

  /** `previous`: of the same backend in the snapshot before; its ejections stay in force. */
  constructor(
    policy: PassiveHealthCheck,
    ids: readonly string[],
    balancer: Balancer,
    random: () => number,
    nowMs: number,
    previous?: EndpointWatch,
  ) {
    this.#detector = new OutlierDetector(policy, ids, random, previous && previous.#detector);
    this.#balancer = balancer;
    this.#ids = ids;
    this.#reasons = new Map(previous && previous.#reasons);
    this.#regional = previous ? previous.#regional : new Set();
    this.#show(nowMs);
  }

  record(index: number, result: RequestResult, latencyMs: number, nowMs: number): void {
    const change = this.#detector.record(index, result, latencyMs, nowMs);
    if (change) this.#take([change], nowMs);
  }

  /** Once a second: ends what is due, compares endpoints. */
  tick(nowMs: number): void {
    const changes = this.#detector.tick(nowMs);
    if (changes.length > 0) this.#take(changes, nowMs);
  }

  /** Ids of the endpoints that the region has ejected. */
  setRegional(ids: ReadonlySet<string>, nowMs: number): void {
    this.#regional = ids;
    this.#show(nowMs);
  }

  ejections(): ReportedEjection[] {
    return this.#detector
      .ejections()
      .map(({ id, untilMs }) => ({ id, untilMs, reason: this.#reasons.get(id) ?? "" }));
  }

  #take(changes: readonly EjectionChange[], nowMs: number): void {
    for (const { index, ejected, reason } of changes) {
      const id = this.#ids[index]!;
      if (ejected) this.#reasons.set(id, reason);
      else this.#reasons.delete(id);
    }
    this.#show(nowMs);
  }

  #show(nowMs: number): void {
    const own = new Set(this.#detector.ejections().map(({ id }) => id));
    this.#ids.forEach((id, index) => {
      this.#balancer.setEjected(index, own.has(id) || this.#regional.has(id), nowMs);
    });
  }
}
