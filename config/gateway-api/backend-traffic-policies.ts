// XBackendTrafficPolicy: the budget of retries to a Service (GEP-3388), and sessions with its endpoints (GEP-1619) for rules that
// do not say it themselves.
import { serviceKind } from "../kubernetes/core-kinds.ts";
import type { ImportContext } from "../kubernetes/importer.ts";
import { fieldOf } from "../kubernetes/notes.ts";
import { qualifiedName, type ObjectField } from "../kubernetes/object.ts";
import { unless, type Problem } from "./condition.ts";
import type { ReachedServices } from "./reached-services.ts";
import { problemText } from "./route-verdict.ts";
import { xBackendTrafficPolicyKind, type XBackendTrafficPolicy } from "./schema/policy-kinds.ts";

export type TrafficSettings = Pick<
  XBackendTrafficPolicy["body"]["spec"],
  "retryConstraint" | "sessionPersistence"
> & {
  /** `spec` of the policy. */
  readonly field: ObjectField;
};

export interface BackendTrafficPolicies {
  find(service: { namespace: string; name: string }): TrafficSettings | undefined;
  /** Once all routes are translated. */
  addStatuses(): void;
}

export function createBackendTrafficPolicies(
  { set, notes, statuses }: ImportContext,
  services: ReachedServices,
): BackendTrafficPolicies {
  const byService = new Map<string, XBackendTrafficPolicy>();
  const describesServices = set.all(serviceKind).length > 0;
  // Oldest first, then by name (GEP-713, conflict resolution).
  const standings = set.all(xBackendTrafficPolicyKind).map((policy) => {
    const { namespace, body } = policy;
    const { targetRefs } = body.spec;
    const stranger = targetRefs.find(({ group, kind }) => group !== "" || kind !== "Service");
    if (stranger) return { policy, refused: invalid(`targets are Services, not ${stranger.kind}`) };
    const missing = targetRefs.find(
      ({ name }) => describesServices && !set.get(serviceKind, namespace, name),
    );
    const rivals = targetRefs.map(({ name }) => {
      const key = qualifiedName({ namespace, name });
      const rival = byService.get(key);
      if (!rival) byService.set(key, policy);
      return rival;
    });
    return { policy, refused: conflict(rivals) ?? (missing && notFound(namespace, missing.name)) };
  });
  return {
    find: (service) => {
      const policy = byService.get(qualifiedName(service));
      if (!policy) return undefined;
      const { retryConstraint, sessionPersistence } = policy.body.spec;
      return { retryConstraint, sessionPersistence, field: fieldOf(policy.object, "spec") };
    },
    addStatuses: () => {
      for (const { policy, refused } of standings) {
        const { object, namespace, body } = policy;
        if (refused) {
          notes.add(fieldOf(object, "spec"), { code: "policy-not-accepted", message: problemText(refused) });
        }
        const targets = body.spec.targetRefs.map(({ name }) => ({ namespace, name }));
        statuses.add(policy, services.statusFor(targets, [unless(policy, "Accepted", refused)]));
      }
    },
  };
}

function invalid(message: string): Problem {
  return { reason: "Invalid", message };
}

function notFound(namespace: string, name: string): Problem {
  return { reason: "TargetNotFound", message: `there is no Service ${qualifiedName({ namespace, name })}` };
}

/** Where each of its targets has another policy. */
function conflict(rivals: readonly (XBackendTrafficPolicy | undefined)[]): Problem | undefined {
  const [first] = rivals;
  if (!first || rivals.includes(undefined)) return undefined;
  const message = `XBackendTrafficPolicy ${first.name} is older, or the first by name, and has the same targets`;
  return { reason: "Conflicted", message };
}
