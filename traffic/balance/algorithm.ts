// What a load-balancing algorithm is: a choice among the members of a pool.
import type { PickRequest, RequestOutcome } from "./pick-request.ts";

export interface Algorithm {
  /** Endpoint index, or -1 when no member is left after `request.exclude`. Allocates nothing. */
  pick(request: PickRequest): number;
  /** What a request told about the endpoint, for algorithms that learn. */
  ended?(index: number, outcome: RequestOutcome): void;
}

/** Whether `index` was tried before. The list is as short as the number of attempts, so a scan is the fast way. */
export function isExcluded(exclude: readonly number[] | undefined, index: number): boolean {
  if (exclude === undefined) return false;
  for (let position = 0; position < exclude.length; position++) {
    if (exclude[position] === index) return true;
  }
  return false;
}
