// `targetRefs` of policies: kinds of objects that they can be for (`ShouldAttachPolicy`).
import { gatewayKind } from "../../gateway-api/schema/gateway-kinds.ts";
import { serviceKind } from "../../kubernetes/core-kinds.ts";
import type { ResourceSet } from "../../kubernetes/resource-set.ts";
import { rootNamespace } from "../host.ts";
import { serviceEntryKind } from "../kinds/service-entry.ts";
import {
  at,
  ignored,
  invalid,
  unknownReference,
  unsupported,
  type Place,
} from "../../kubernetes/field-notes.ts";

export interface TargetRef {
  readonly group?: string | undefined;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string | undefined;
}

/** Gateways are those of the Gateway API; Istio's own are selected by labels. */
const kinds = {
  "gateway.networking.k8s.io/Gateway": "Gateway",
  "gateway.networking.k8s.io/GatewayClass": "GatewayClass",
  "/Service": "Service",
  "core/Service": "Service",
  "networking.istio.io/ServiceEntry": "ServiceEntry",
} as const;

export type TargetKind = (typeof kinds)[keyof typeof kinds];

/** Stands for all waypoints, and so for whatever is behind one. */
export const waypointClass = "istio-waypoint";

export function targetKindOf({ group = "", kind }: TargetRef): TargetKind | undefined {
  const name = `${group}/${kind}`;
  return Object.hasOwn(kinds, name) ? kinds[name as keyof typeof kinds] : undefined;
}

interface Targeting {
  readonly namespace: string;
  readonly targetRefs: readonly TargetRef[];
}

/** What names nothing has no effect in Istio either, and is not what its author meant. */
export function noteTargets({ namespace, targetRefs }: Targeting, place: Place, set: ResourceSet): void {
  for (const [index, ref] of targetRefs.entries()) {
    const field = at(place, index);
    const kind = targetKindOf(ref);
    if (kind === undefined) {
      const what = `a ${ref.kind} of ${JSON.stringify(ref.group ?? "")}`;
      const message = `policies are for a Gateway or GatewayClass of "gateway.networking.k8s.io", a Service or a ServiceEntry, not for ${what}`;
      unsupported(field, message, "Name one of these with its group, or write a selector.");
    } else if (ref.namespace) {
      invalid(field, "a policy is for objects of its own namespace", "Leave namespace out.");
    } else if (kind === "GatewayClass") {
      if (ref.name === waypointClass && namespace === rootNamespace) continue;
      ignored(field, `only ${waypointClass} is a class to target, from ${rootNamespace}: it has no effect`);
    } else if (!isThere(kind, namespace, ref.name, set)) {
      unknownReference(field, `there is no ${kind} ${namespace}/${ref.name}: the policy has no effect there`);
    }
  }
}

function isThere(
  kind: "Gateway" | "Service" | "ServiceEntry",
  namespace: string,
  name: string,
  set: ResourceSet,
): boolean {
  if (kind === "Gateway") return set.get(gatewayKind, namespace, name) !== undefined;
  if (kind === "ServiceEntry") return set.get(serviceEntryKind, namespace, name) !== undefined;
  // Files without any Service do not say which ones there are.
  return set.get(serviceKind, namespace, name) !== undefined || set.all(serviceKind).length === 0;
}
