// What operators and the endpoints themselves say of endpoints, together in the balancer: each takes away, none gives back what
// the other has taken.
import type { Administration, AdministrativeState } from "#contract/administration.ts";
import type { Endpoint } from "#contract/snapshot.ts";
import type { SelfReport } from "#contract/sync.ts";
import type { Balancer } from "./balancer.ts";

type Administered = Administration["endpoints"][string];

const gravest: readonly AdministrativeState[] = ["maintenance", "drain", "ready"];

/** HAProxy's largest weight of a server. */
const maxReportedWeight = 256;

export class EndpointStanding {
  readonly #endpoints: readonly Endpoint[];
  readonly #balancer: Pick<Balancer, "administer">;
  readonly #administered: (Administered | undefined)[] = [];
  readonly #reports: (SelfReport | undefined)[] = [];

  /** `previous`: of the same backend in the snapshot before; what was said stays said. */
  constructor(
    endpoints: readonly Endpoint[],
    balancer: Pick<Balancer, "administer">,
    previous?: EndpointStanding,
  ) {
    this.#endpoints = endpoints;
    this.#balancer = balancer;
    const before = new Map(previous && previous.#endpoints.map(({ id }, index) => [id, index]));
    endpoints.forEach(({ id }, index) => {
      const known = before.get(id);
      if (known === undefined || !previous) return;
      this.#administered[index] = previous.#administered[known];
      this.#reports[index] = previous.#reports[known];
    });
  }

  administer(index: number, administered: Administered | undefined, nowMs: number): void {
    this.#administered[index] = administered;
    this.#apply(index, nowMs);
  }

  report(index: number, report: SelfReport | undefined, nowMs: number): void {
    this.#reports[index] = report;
    this.#apply(index, nowMs);
  }

  #apply(index: number, nowMs: number): void {
    const { state: ordered = "ready", weight } = this.#administered[index] ?? {};
    const { state: wished = "ready", weightPercent } = this.#reports[index] ?? {};
    const state = gravest.find((one) => one === ordered || one === wished)!;
    this.#balancer.administer(index, state, this.#weight(index, weight, weightPercent), nowMs);
  }

  /** In whole numbers, as HAProxy counts: half of 1 is nothing. */
  #weight(index: number, ordered: number | undefined, percent: number | undefined): number | undefined {
    if (percent === undefined) return ordered;
    const whole = ordered ?? this.#endpoints[index]!.weight;
    return Math.min(Math.floor((whole * percent) / 100), Math.max(maxReportedWeight, whole));
  }
}
