// Policies and what they are attached to (GEP-713; Envoy Gateway, "policy attachment"): the most specific target wins as a
// whole, and of several policies with one target the oldest, then the first by name.
import type { Kind, Resource } from "../kubernetes/kind.ts";
import { fieldOf } from "../kubernetes/notes.ts";
import { qualifiedName, type KubernetesObject } from "../kubernetes/object.ts";
import type { AnyRoute } from "../gateway-api/attachment.ts";
import { condition, controllerName, type Problem } from "../gateway-api/condition.ts";
import type { ExtensionContext } from "../gateway-api/extension.ts";
import type { Listener } from "../gateway-api/listener.ts";
import { admitsNamespace, hasSelectedLabels } from "../gateway-api/namespaces.ts";
import { problemText } from "../gateway-api/route-verdict.ts";
import { gatewayKind, listenerSetKind } from "../gateway-api/schema/gateway-kinds.ts";
import { gatewayGroup } from "../gateway-api/schema/reference.ts";
import {
  grpcRouteKind,
  httpRouteKind,
  tcpRouteKind,
  tlsRouteKind,
} from "../gateway-api/schema/route-kinds.ts";
import type { z } from "zod";
import { envoyGroup, targetFields } from "./schema/common.ts";

type Targets = z.output<z.ZodObject<typeof targetFields>>;
export type Policy = Resource<{ readonly spec: Targets & { readonly mergeType?: string | undefined } }>;

interface Target {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly section: string | undefined;
}

/** A policy that is in force somewhere, or the object of one that could not be read. */
export interface Standing<P extends Policy> {
  /** `undefined`: it could not be read. What it is attached to must not be open for that. */
  readonly policy: P | undefined;
  readonly object: KubernetesObject;
  readonly targets: readonly Target[];
}

/** The policy of a rule or listener, and for a rule the one above it, as `mergeType` may ask for it. */
export interface Found<P extends Policy> {
  readonly own: Standing<P>;
  readonly above: Standing<P> | undefined;
}

export interface PolicyTargets<P extends Policy> {
  ofListener(listener: Listener): Standing<P> | undefined;
  ofRule(route: AnyRoute, ruleName: string | undefined, listener: Listener): Found<P> | undefined;
  /** Once all routes are translated. */
  addStatuses(): void;
}

const targetKinds: ReadonlyMap<string, Kind<{ spec: unknown }>> = new Map(
  [gatewayKind, listenerSetKind, httpRouteKind, grpcRouteKind, tcpRouteKind, tlsRouteKind].map((kind) => [
    kind.kind,
    kind as Kind<{ spec: unknown }>,
  ]),
);
/** What policies for clients may be attached to. */
export const gatewayTargets: readonly string[] = ["Gateway", "ListenerSet"];
export const allTargets: readonly string[] = [...targetKinds.keys()];

export function createPolicyTargets<P extends Policy>(
  context: ExtensionContext,
  kind: Kind<P["body"]>,
  allowed: readonly string[],
): PolicyTargets<P> {
  const { set } = context;
  const byTarget = new Map<string, Standing<P>>();
  const refused = new Map<Standing<P>, Problem>();
  const ancestors = new Map<Standing<P>, Map<string, Target>>();
  // Oldest first; those that could not be read have no age that could be trusted, and hold what nobody else does.
  const standings: Standing<P>[] = [
    ...(set.all(kind) as readonly P[]).map((policy) => ({
      policy,
      object: policy.object,
      targets: targetsOf(policy.body.spec, policy.namespace, kind.kind, context),
    })),
    ...set
      .leftOut(kind)
      .map((object) => ({ policy: undefined, object, targets: rawTargets(object, context) })),
  ];
  for (const standing of standings) {
    const problem = attach(standing, byTarget, allowed, context);
    if (problem) refused.set(standing, problem);
  }
  const at = (target: Target): Standing<P> | undefined => byTarget.get(keyOf(target));
  const ofListener = ({ owner, gateway, spec }: Listener): Standing<P> | undefined => {
    if (standings.length === 0) return undefined;
    const own = { kind: kindOf(owner.object), namespace: owner.namespace, name: owner.name };
    const whole = { kind: "Gateway", namespace: gateway.namespace, name: gateway.name, section: undefined };
    const found = at({ ...own, section: spec.name }) ?? at({ ...own, section: undefined }) ?? at(whole);
    if (found) remember(found, gateway, ancestors);
    return found;
  };
  return {
    ofListener,
    ofRule: ({ object, namespace, name }, ruleName, listener) => {
      if (standings.length === 0) return undefined;
      const route = { kind: object.kind, namespace, name };
      const ofRoute =
        (ruleName === undefined ? undefined : at({ ...route, section: ruleName })) ??
        at({ ...route, section: undefined });
      const above = ofListener(listener);
      if (ofRoute) remember(ofRoute, listener.gateway, ancestors);
      const own = ofRoute ?? above;
      return own && { own, above: ofRoute && above };
    },
    addStatuses: () => {
      for (const standing of standings) addStatus(standing, refused.get(standing), ancestors, context);
    },
  };
}

function remember<P extends Policy>(
  standing: Standing<P>,
  { namespace, name }: Pick<Resource<unknown>, "namespace" | "name">,
  ancestors: Map<Standing<P>, Map<string, Target>>,
): void {
  const known = ancestors.get(standing) ?? new Map<string, Target>();
  ancestors.set(standing, known);
  known.set(qualifiedName({ namespace, name }), { kind: "Gateway", namespace, name, section: undefined });
}

function addStatus<P extends Policy>(
  standing: Standing<P>,
  problem: Problem | undefined,
  ancestors: ReadonlyMap<Standing<P>, ReadonlyMap<string, Target>>,
  { statuses, notes }: ExtensionContext,
): void {
  const { policy, object, targets } = standing;
  if (problem) {
    notes.add(fieldOf(object, "spec"), { code: "policy-not-accepted", message: problemText(problem) });
  }
  if (!policy) return;
  const held = [...(ancestors.get(standing)?.values() ?? [])];
  const shown = held.length > 0 ? held : targets.slice(0, 16);
  const accepted = problem
    ? condition(policy, "Accepted", false, problem)
    : condition(policy, "Accepted", true, { reason: "Accepted", message: "" });
  statuses.add(policy, {
    ancestors: shown.map(({ kind, namespace, name, section }) => ({
      ancestorRef: {
        group: gatewayGroup,
        kind,
        namespace,
        name,
        ...(section !== undefined && { sectionName: section }),
      },
      controllerName,
      conditions: [accepted],
    })),
  });
}

/** Takes what is free; a problem where nothing is. */
function attach<P extends Policy>(
  standing: Standing<P>,
  byTarget: Map<string, Standing<P>>,
  allowed: readonly string[],
  { set }: ExtensionContext,
): Problem | undefined {
  const { targets, object } = standing;
  let problem: Problem | undefined = {
    reason: "TargetNotFound",
    message: `${object.kind} ${object.name} selects nothing`,
  };
  let isAttached = false;
  for (const target of targets) {
    const what = `${target.kind} ${qualifiedName(target)}`;
    const kind = targetKinds.get(target.kind);
    if (!kind || !allowed.includes(target.kind)) {
      problem = { reason: "Invalid", message: `it cannot be attached to ${target.kind}` };
      continue;
    }
    const found = set.get(kind, target.namespace, target.name);
    if (!found) {
      problem = { reason: "TargetNotFound", message: `there is no ${what}` };
      continue;
    }
    if (target.section !== undefined && !hasSection(found, target.section)) {
      problem = { reason: "TargetNotFound", message: `${what} has no part named ${target.section}` };
      continue;
    }
    const rival = byTarget.get(keyOf(target));
    if (rival) {
      const message = `${rival.object.kind} ${rival.object.name} is older, or the first by name, and has ${what}`;
      problem = { reason: "Conflicted", message };
      continue;
    }
    byTarget.set(keyOf(target), standing);
    isAttached = true;
  }
  return isAttached ? undefined : problem;
}

function hasSection({ body: { spec } }: Resource<{ spec: unknown }>, section: string): boolean {
  const { listeners, rules } = spec as Record<"listeners" | "rules", { name?: string }[] | undefined>;
  return (listeners ?? rules ?? []).some(({ name }) => name === section);
}

function keyOf({ kind, namespace, name, section }: Target): string {
  return `${kind}/${namespace}/${name}/${section ?? ""}`;
}

function kindOf({ kind }: KubernetesObject): string {
  return kind === "XListenerSet" ? "ListenerSet" : kind;
}

/** Those that are named are in the policy's namespace; selectors see others as far as a ReferenceGrant lets them. */
function targetsOf(
  { targetRef, targetRefs = targetRef ? [targetRef] : [], targetSelectors = [] }: Targets,
  own: string,
  policyKind: string,
  { set, grants }: Pick<ExtensionContext, "set" | "grants">,
): Target[] {
  const named = targetRefs.map(({ group, kind, name, sectionName }): Target => ({
    kind: group === gatewayGroup ? kind : `${kind}.${group}`,
    namespace: own,
    name,
    section: sectionName,
  }));
  const selected = targetSelectors.flatMap(({ group, kind, namespaces, ...selector }) => {
    const known = targetKinds.get(kind);
    if (!known) return [];
    return set
      .all(known)
      .filter(({ namespace, labels }) => {
        if (!hasSelectedLabels(selector, new Map(Object.entries(labels)))) return false;
        return namespaces ? admitsNamespace(set, namespaces, own, namespace) : namespace === own;
      })
      .filter(({ namespace, name }) =>
        grants.permit(
          { group: envoyGroup, kind: policyKind, namespace: own },
          { group, kind, namespace, name },
        ),
      )
      .map(({ namespace, name }): Target => ({ kind, namespace, name, section: undefined }));
  });
  const seen = new Set<string>();
  return [...named, ...selected].filter((target) => !seen.has(keyOf(target)) && seen.add(keyOf(target)));
}

/** Of an object that could not be read: as much as is legible. */
function rawTargets({ value, namespace, kind }: KubernetesObject, context: ExtensionContext): Target[] {
  const spec = value["spec"];
  if (spec === null || typeof spec !== "object") return [];
  const legible = Object.fromEntries(
    Object.entries(targetFields).flatMap(([name, schema]) => {
      const result = schema.safeParse((spec as Record<string, unknown>)[name]);
      return result.success && result.data !== undefined ? [[name, result.data]] : [];
    }),
  ) as Targets;
  return targetsOf(legible, namespace, kind, context);
}
