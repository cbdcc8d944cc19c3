// Which listeners take a route: parentRefs, allowed kinds and namespaces, host names in common.
import { hostnameIndex } from "../check/hostname-index.ts";
import type { Resource } from "../kubernetes/kind.ts";
import { fieldOf } from "../kubernetes/notes.ts";
import { qualifiedName, type ObjectField } from "../kubernetes/object.ts";
import type { ResourceSet } from "../kubernetes/resource-set.ts";
import type { Problem } from "./condition.ts";
import type { Gateways, ListenerOwner } from "./gateways.ts";
import { hostnamesOf, type Listener } from "./listener.ts";
import { isService, type Mesh, type MeshEntry } from "./mesh.ts";
import { admitsNamespace } from "./namespaces.ts";
import { gatewayGroup, type ParentRef } from "./schema/reference.ts";

interface RouteSpec {
  readonly parentRefs: readonly ParentRef[];
  readonly useDefaultGateways?: "All" | "None" | undefined;
  readonly hostnames?: readonly string[];
  readonly rules: readonly { readonly backendRefs: readonly { readonly port?: number | undefined }[] }[];
}

export type AnyRoute = Resource<{ readonly spec: RouteSpec }>;

/** What a route has to do with one of its parents. */
export interface Attachment {
  readonly ref: ParentRef;
  readonly field: ObjectField;
  /** Those that take the route, whether or not they are served. */
  readonly listeners: readonly Listener[];
  /** Where the mesh takes it. */
  readonly mesh?: MeshEntry;
  /** Against `Accepted`. */
  readonly refused: Problem | undefined;
  /** There is nobody to take it or not: whoever serves a parent that is not in the files writes its status. */
  readonly isUnknown: boolean;
}

export interface Attachments {
  /** Routes are to come in the order of their age: who was first has what several want. */
  attach(route: AnyRoute, claim?: Claim): Attachment[];
}

/** Says why a route may not have a listener whose protocol, kinds, namespaces and host names would allow it. */
export type Claim = (listener: Listener) => Problem | undefined;

export function createAttachments(set: ResourceSet, gateways: Gateways, mesh: Mesh): Attachments {
  const parents = new Map<string, ListenerOwner>(
    [...gateways.gateways, ...gateways.listenerSets].map((owner) => [idOf(owner.object.object), owner]),
  );
  return {
    attach: (route, claim = () => undefined) =>
      parentRefsOf(route, gateways).map(({ ref, field }) => {
        const { group, kind, name, namespace = route.namespace } = ref;
        const of = { ref, field, listeners: [], refused: undefined, isUnknown: false };
        const parent = parents.get(idOf({ group, kind, namespace, name }));
        const found = parent
          ? choose(route, ref, parent, set, gateways, claim)
          : isService(ref) && mesh.entry(route, ref, field);
        if (!found) {
          const message = `there is no ${kind} ${qualifiedName({ namespace, name })} that is served here`;
          return { ...of, refused: noParent(message), isUnknown: true };
        }
        if ("reason" in found) return { ...of, refused: found };
        return "ports" in found ? { ...of, mesh: found } : { ...of, listeners: found };
      }),
  };
}

function idOf({
  group,
  kind,
  namespace,
  name,
}: Record<"group" | "kind" | "namespace" | "name", string>): string {
  return `${group}/${kind}/${namespace}/${name}`;
}

/** GEP-3793: a route may leave it to the Gateways that call themselves default ones. */
function parentRefsOf(route: AnyRoute, { gateways }: Gateways): { ref: ParentRef; field: ObjectField }[] {
  const { parentRefs, useDefaultGateways } = route.body.spec;
  const named = parentRefs.map((ref, index) => ({
    ref,
    field: fieldOf(route.object, "spec", "parentRefs", index),
  }));
  if (useDefaultGateways !== "All") return named;
  const isNamed = (namespace: string, name: string) =>
    parentRefs.some((ref) => ref.name === name && (ref.namespace ?? route.namespace) === namespace);
  const defaults = gateways.filter(
    ({ object: { body, namespace, name } }) => body.spec.defaultScope === "All" && !isNamed(namespace, name),
  );
  return [
    ...named,
    ...defaults.map(({ object: { namespace, name } }) => ({
      ref: { group: gatewayGroup, kind: "Gateway", namespace, name },
      field: fieldOf(route.object, "spec", "useDefaultGateways"),
    })),
  ];
}

/** The conditions in the order in which the standard's reasons presuppose each other. */
function choose(
  route: AnyRoute,
  { sectionName, port }: ParentRef,
  parent: ListenerOwner,
  set: ResourceSet,
  { conflicts }: Gateways,
  claim: Claim,
): Listener[] | Problem {
  if (parent.refused) return noParent(`${parent.object.object.kind} ${parent.object.name} is not accepted`);
  const wanted = parent.listeners.filter(
    ({ spec }) =>
      (sectionName === undefined || spec.name === sectionName) && (port === undefined || spec.port === port),
  );
  if (wanted.length === 0) {
    const which = [sectionName && `named ${sectionName}`, port && `on port ${port}`]
      .filter(Boolean)
      .join(" ");
    return noParent(`${parent.object.name} has no listener ${which}`);
  }
  const accepted = wanted.filter((listener) => !listener.unsupported && !conflicts.has(listener));
  if (accepted.length === 0) return noParent("the listener is not accepted");
  const allowed = accepted.filter((listener) => allows(listener, route, set));
  if (allowed.length === 0) {
    const message = `no listener allows routes of kind ${route.object.kind} from namespace ${route.namespace}`;
    return { reason: "NotAllowedByListeners", message };
  }
  const { hostnames = [] } = route.body.spec;
  const serving = allowed.filter((listener) => {
    const index = hostnameIndex(hostnamesOf(listener));
    return hostnames.length === 0 || hostnames.some((hostname) => index.intersects(hostname));
  });
  if (serving.length === 0) {
    const message = `no listener serves ${hostnames.join(", ")}`;
    return { reason: "NoMatchingListenerHostname", message };
  }
  let refusal: Problem | undefined;
  const free = serving.filter((listener) => {
    const problem = claim(listener);
    refusal ??= problem;
    return !problem;
  });
  return free.length === 0 && refusal ? refusal : free;
}

function allows({ spec, supportedKinds, owner }: Listener, route: AnyRoute, set: ResourceSet): boolean {
  const { group, kind } = route.object;
  if (!supportedKinds.some((supported) => supported.group === group && supported.kind === kind)) return false;
  return admitsNamespace(set, spec.allowedRoutes?.namespaces ?? {}, owner.namespace, route.namespace);
}

function noParent(message: string): Problem {
  return { reason: "NoMatchingParent", message };
}
