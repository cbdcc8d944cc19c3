// Conditions as the Gateway API has controllers write them (`metav1.Condition`, apis/v1).
import type { Resource } from "../kubernetes/kind.ts";
import type { Condition } from "../kubernetes/object-status.ts";

/** A domain and a path; what GatewayClasses name, and what every status of ours is signed with. */
export const controllerName = "isthmus.dev/gateway-controller";

/** Why a condition is not as it should be: a reason of the standard, and a sentence for people. */
export interface Problem {
  readonly reason: string;
  readonly message: string;
}

export function condition(
  { generation }: Pick<Resource<unknown>, "generation">,
  type: string,
  holds: boolean,
  { reason, message }: Problem,
): Condition {
  return { type, status: holds ? "True" : "False", reason, message, observedGeneration: generation };
}

/** True with the type as its reason, or False because of the problem. */
export function unless(
  resource: Pick<Resource<unknown>, "generation">,
  type: string,
  problem: Problem | undefined,
): Condition {
  return condition(resource, type, !problem, problem ?? { reason: type, message: "" });
}
