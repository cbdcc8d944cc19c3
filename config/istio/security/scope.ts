// For which gateways and workloads a policy holds: those of its namespace, or of the whole mesh, narrowed by labels or by
// the Services that it names.
import { hasLabels, type Labels } from "../../kubernetes/labels.ts";
import type { Gate } from "../../kubernetes/model-parts.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import type { Target } from "../backend/destinations.ts";
import type { Upstream } from "../backend/upstreams.ts";
import { ingressNamespace, rootNamespace } from "../host.ts";
import { targetKindOf, waypointClass, type TargetRef } from "./target-kinds.ts";

export interface Scope {
  readonly namespace: string;
  readonly selector: Labels;
  readonly targetRefs: readonly TargetRef[];
  /** Selects workloads that some Gateway listens at: others are not meant, unless they are known to be selected. */
  readonly isForGateways: boolean;
}

interface ScopeFields {
  readonly selector?: { readonly matchLabels?: Labels | undefined } | undefined;
  readonly targetRef?: TargetRef | undefined;
  readonly targetRefs?: readonly TargetRef[] | undefined;
}

/** `gateways`: labels of the workloads at which Gateways listen. */
export function scopeOf(
  namespace: string,
  { selector, targetRef, targetRefs = [] }: ScopeFields = {},
  gateways: readonly Labels[] = [],
): Scope {
  const labels = selector?.matchLabels ?? {};
  return {
    namespace,
    selector: labels,
    // `GetTargetRefs`: the old field counts where the new one is empty.
    targetRefs: targetRef && targetRefs.length === 0 ? [targetRef] : targetRefs,
    isForGateways:
      Object.keys(labels).length > 0 && gateways.some((gateway) => hasLabels({ labels: gateway }, labels)),
  };
}

/** Of an object that could not be read: as far as its selector is one, or else the whole namespace. */
export function scopeOfBroken({ namespace, value }: KubernetesObject, gateways: readonly Labels[]): Scope {
  const spec = value["spec"] as { selector?: { matchLabels?: unknown } } | null | undefined;
  const labels = spec?.selector?.matchLabels;
  const isMap = labels !== null && typeof labels === "object" && !Array.isArray(labels);
  const isLabels = isMap && Object.values(labels).every((label) => typeof label === "string");
  return scopeOf(namespace, { selector: { matchLabels: isLabels ? (labels as Labels) : {} } }, gateways);
}

/**
 * The gateway's pods are taken to run in the namespace of the Gateway, in that of Istio itself or in the one that its
 * documentation has for gateways; a policy in another namespace is not about them. Only Gateways of the Gateway API can be
 * named.
 */
export function holdsAtGateway({ namespace, selector, targetRefs }: Scope, gate: Gate): boolean {
  if (targetRefs.length > 0) {
    const isNamed = targetRefs.some(
      (ref) => targetKindOf(ref) === "Gateway" && ref.name === gate.gatewayName,
    );
    return isNamed && namespace === gate.namespace;
  }
  const isIngress = namespace === ingressNamespace && gate.gatewayName === undefined;
  if (namespace !== rootNamespace && namespace !== gate.namespace && !isIngress) return false;
  return hasLabels({ labels: gate.labels }, selector);
}

/** `some`: not for all of the target's workloads, or that is not known. */
export function holdsAtTarget(scope: Scope, { upstream, subset }: Target): "all" | "some" | "none" {
  if (!upstream) return "none";
  if (scope.targetRefs.length > 0) {
    return scope.targetRefs.some((ref) => names(ref, scope.namespace, upstream)) ? "all" : "none";
  }
  if (upstream.isExternal) return "none";
  if (scope.namespace !== rootNamespace && scope.namespace !== upstream.namespace) return "none";
  const found = selects(scope.selector, upstream, subset);
  return found === "some" && scope.isForGateways ? "none" : found;
}

function names(ref: TargetRef, namespace: string, upstream: Upstream): boolean {
  const kind = targetKindOf(ref);
  if (kind === "GatewayClass") return ref.name === waypointClass && namespace === rootNamespace;
  return kind === upstream.originKind && ref.name === upstream.name && namespace === upstream.namespace;
}

function selects(selector: Labels, upstream: Upstream, subset: Labels): "all" | "some" | "none" {
  const workloads = upstream.workloads?.filter((labels) => hasLabels({ labels }, subset));
  if (workloads?.length) {
    const selected = workloads.filter((labels) => hasLabels({ labels }, selector)).length;
    return selected === 0 ? "none" : selected === workloads.length ? "all" : "some";
  }
  // Without the Service, its workloads are taken to be labelled with its name, as is the custom.
  const known: Labels = { ...(upstream.selector ?? { app: upstream.name }), ...subset };
  const entries = Object.entries(selector);
  if (entries.some(([name, value]) => known[name] !== undefined && known[name] !== value)) return "none";
  return entries.every(([name]) => known[name] !== undefined) ? "all" : "some";
}
