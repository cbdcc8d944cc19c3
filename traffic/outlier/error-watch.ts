// Errors that requests of one backend meet at its endpoints, counted for its active checks (HAProxy `observe`, `error-limit`,
// `on-error`): so many in a row are a word to the region, whose checks decide.
import { connectFailures, type ErrorCode } from "#contract/error.ts";
import type { ObservePolicy } from "#contract/backend-policy.ts";
import type { Endpoint } from "#contract/snapshot.ts";
import type { Balancer } from "../balance/balancer.ts";
import { resultOfError } from "./request-result.ts";

interface EndpointState {
  consecutive: number;
  /** How often the limit was reached since the region was told. */
  reached: number;
  /** Down in this isolate until the region has answered. */
  marked: boolean;
}

/** As many as the region is told of one endpoint at a time. */
const maxReached = 100;

export class ErrorWatch {
  readonly #policy: ObservePolicy;
  readonly #endpoints: readonly Endpoint[];
  readonly #balancer: Pick<Balancer, "setHealthy">;
  readonly #states: readonly EndpointState[];

  /** `previous`: of the same backend in the snapshot before; endpoints keep what is known of them. */
  constructor(
    policy: ObservePolicy,
    endpoints: readonly Endpoint[],
    balancer: Pick<Balancer, "setHealthy">,
    previous?: ErrorWatch,
  ) {
    this.#policy = policy;
    this.#endpoints = endpoints;
    this.#balancer = balancer;
    const known = new Map(
      previous && previous.#endpoints.map(({ id }, index) => [id, previous.#states[index]!]),
    );
    this.#states = endpoints.map(({ id }) => known.get(id) ?? { consecutive: 0, reached: 0, marked: false });
  }

  /** True when the region is to be told. */
  answered(index: number, status: number, nowMs: number): boolean {
    // 501 and 505 are what clients ask for (http_ana.c).
    const isWell = status < 500 || status === 501 || status === 505;
    return this.#record(index, isWell || this.#policy.layer === "Layer4", nowMs);
  }

  /** The same of a request that failed, or a connection. */
  failed(index: number, code: ErrorCode, nowMs: number): boolean {
    if (resultOfError(code) === undefined) return false;
    return this.#record(index, this.#policy.layer === "Layer4" && !connectFailures.has(code), nowMs);
  }

  connected(index: number): void {
    if (this.#policy.layer === "Layer4") this.#states[index]!.consecutive = 0;
  }

  isMarked(index: number): boolean {
    return this.#states[index]!.marked;
  }

  /** Limits that were reached since the last time, by endpoint id. */
  take(): [id: string, reached: number][] {
    return this.#states.flatMap((state, index) => {
      const { reached } = state;
      state.reached = 0;
      return reached > 0 ? [[this.#endpoints[index]!.id, reached] as [string, number]] : [];
    });
  }

  /** The region has not heard it. */
  putBack(id: string, reached: number): void {
    const index = this.#endpoints.findIndex((endpoint) => endpoint.id === id);
    const state = this.#states[index];
    if (state) state.reached = Math.min(maxReached, state.reached + reached);
  }

  /** The region has answered, knowing all but what was reached since: from here on its word holds. */
  settle(): void {
    for (const state of this.#states) state.marked &&= state.reached > 0;
  }

  #record(index: number, isWell: boolean, nowMs: number): boolean {
    const state = this.#states[index]!;
    state.consecutive = isWell ? 0 : state.consecutive + 1;
    if (state.consecutive < this.#policy.errorLimit) return false;
    state.consecutive = 0;
    state.reached = Math.min(maxReached, state.reached + 1);
    if (this.#policy.onError === "MarkDown") {
      state.marked = true;
      this.#balancer.setHealthy(index, false, nowMs);
    }
    return true;
  }
}
