// GatewayClasses, Gateways and ListenerSets → which listeners there are, and which of them are served.
import { fieldOf, type Notes } from "../kubernetes/notes.ts";
import { qualifiedName } from "../kubernetes/object.ts";
import type { ResourceSet } from "../kubernetes/resource-set.ts";
import { controllerName, type Problem } from "./condition.ts";
import { unsupportedAddress } from "./gateway-addresses.ts";
import { isProgrammed, readListener, type Listener, type ListenerContext } from "./listener.ts";
import { findConflicts } from "./listener-conflicts.ts";
import { admitsNamespace } from "./namespaces.ts";
import {
  gatewayClassKind,
  gatewayKind,
  listenerSetKind,
  xListenerSetKind,
  type Gateway,
  type GatewayClass,
  type ListenerSet,
} from "./schema/gateway-kinds.ts";

/** A Gateway or ListenerSet, with what is served of it. */
export interface ListenerOwner<Owner extends Gateway | ListenerSet = Gateway | ListenerSet> {
  readonly object: Owner;
  readonly listeners: readonly Listener[];
  /** Against `Accepted`, whatever its listeners are like. None of them is served then. */
  readonly refused: Problem | undefined;
}

export interface Gateways {
  readonly classes: readonly GatewayClass[];
  readonly gateways: readonly ListenerOwner<Gateway>[];
  readonly listenerSets: readonly ListenerOwner<ListenerSet>[];
  readonly conflicts: ReadonlyMap<Listener, Problem>;
  /** The listener that stands for this one in the model. */
  servedAs(listener: Listener): Listener;
  /** How many ListenerSets the Gateway has taken: those of which a listener is served. */
  attachedSets(gateway: Gateway): number;
}

export function readGateways(set: ResourceSet, notes: Notes, context: ListenerContext): Gateways {
  const classes = servedClasses(set, notes);
  const gateways = set.all(gatewayKind).flatMap((gateway) => {
    if (!isServed(gateway, set, classes, notes)) return [];
    const gatewayClass = set.get(gatewayClassKind, "", gateway.body.spec.gatewayClassName);
    const isForeign = gatewayClass !== undefined && gatewayClass.body.spec.controllerName !== controllerName;
    const refused =
      (gatewayClass && refusedByClass(gatewayClass)) ?? refusedGateway(gateway, isForeign, notes);
    return [ownerOf(gateway, gateway, refused, context)];
  });
  const byName = new Map(gateways.map((owner) => [qualifiedName(owner.object), owner]));
  const listenerSets = [...set.all(listenerSetKind), ...set.all(xListenerSetKind)].flatMap((listenerSet) => {
    const { parentRef } = listenerSet.body.spec;
    const namespace = parentRef.namespace ?? listenerSet.namespace;
    const parent = byName.get(qualifiedName({ namespace, name: parentRef.name }));
    if (!parent) {
      const message = `there is no Gateway ${qualifiedName({ namespace, name: parentRef.name })} that is served here`;
      notes.add(fieldOf(listenerSet.object, "spec", "parentRef"), { code: "listener-not-accepted", message });
      return [];
    }
    return [ownerOf(parent.object, listenerSet, refusedSet(listenerSet, parent, set), context)];
  });
  const served = [...gateways, ...listenerSets].filter(({ refused }) => !refused);
  const { problems, sharedWith } = findConflicts(served.map(({ listeners }) => listeners));
  for (const [{ field, gateway }, other] of sharedWith) {
    notes.add(field, {
      code: "listener-shared",
      message: `Gateways ${gateway.name} and ${other.gateway.name} share port ${other.spec.port} here, and with it their routes`,
      remedy: "Give one of them another port, or host names of its own.",
    });
  }
  return {
    classes,
    gateways,
    listenerSets,
    conflicts: problems,
    servedAs: (listener) => sharedWith.get(listener) ?? listener,
    attachedSets: (gateway) =>
      listenerSets.filter(
        ({ listeners, refused }) =>
          !refused &&
          listeners[0]?.gateway === gateway &&
          listeners.some((listener) => isProgrammed(listener, problems)),
      ).length,
  };
}

/**
 * Ours; where the files name none of ours, every one: whoever has the files of another controller served here means them
 * to be served.
 */
function servedClasses(set: ResourceSet, notes: Notes): readonly GatewayClass[] {
  const classes = set.all(gatewayClassKind);
  const ours = classes.filter(({ body }) => body.spec.controllerName === controllerName);
  if (ours.length > 0) return ours;
  for (const { object, body } of classes) {
    notes.add(fieldOf(object, "spec", "controllerName"), {
      code: "gateway-class-adopted",
      message: `Gateways of this class are served here, although ${body.spec.controllerName} does so in its cluster`,
      remedy: `Add a GatewayClass with controllerName ${controllerName}; then only its Gateways are served.`,
    });
    if (!body.spec.parametersRef) continue;
    const message = `parameters of ${body.spec.controllerName} mean nothing here`;
    notes.add(fieldOf(object, "spec", "parametersRef"), { code: "statement-ignored", message });
  }
  return classes;
}

/** A class that the files do not have, for they are those of one namespace, is taken for ours. */
function isServed(
  gateway: Gateway,
  set: ResourceSet,
  classes: readonly GatewayClass[],
  notes: Notes,
): boolean {
  const name = gateway.body.spec.gatewayClassName;
  const found = set.get(gatewayClassKind, "", name);
  if (!found || classes.includes(found)) return true;
  notes.add(fieldOf(gateway.object, "spec", "gatewayClassName"), {
    code: "gateway-not-accepted",
    message: `Gateways of class ${name} are served by ${found.body.spec.controllerName}, not here`,
    remedy: `Give it a class with controllerName ${controllerName}.`,
  });
  return false;
}

function ownerOf<Owner extends Gateway | ListenerSet>(
  gateway: Gateway,
  object: Owner,
  refused: Problem | undefined,
  context: ListenerContext,
): ListenerOwner<Owner> {
  const { listeners } = object.body.spec;
  return {
    object,
    refused,
    listeners: listeners.map((_, index) => readListener(gateway, object, index, context)),
  };
}

/** GatewayClass `InvalidParameters`: a class of ours has no parameters. */
export function refusedClass({ body: { spec } }: GatewayClass): Problem | undefined {
  if (spec.controllerName !== controllerName || !spec.parametersRef) return undefined;
  const message =
    "a GatewayClass has no parameters here; those of the gateway are options of `isthmus serve`";
  return { reason: "InvalidParameters", message };
}

function refusedByClass(gatewayClass: GatewayClass): Problem | undefined {
  if (!refusedClass(gatewayClass)) return undefined;
  return { reason: "Pending", message: `GatewayClass ${gatewayClass.name} is not accepted` };
}

/** Groups in which other controllers have their own parameters, and ConfigMaps, which Istio reads. */
const groupsOfOthers: ReadonlySet<string> = new Set([
  "",
  "gateway.envoyproxy.io",
  "gateway.nginx.org",
  "gateway.kgateway.dev",
  "gateway.gloo.solo.io",
  "projectcontour.io",
  "cilium.io",
]);

/** `isForeign`: of a class of another controller, whose parameters say how that one is run. */
function refusedGateway(gateway: Gateway, isForeign: boolean, notes: Notes): Problem | undefined {
  const { parametersRef } = gateway.body.spec.infrastructure ?? {};
  if (parametersRef) {
    const message = `parameters from ${parametersRef.kind} ${parametersRef.name} are not known here`;
    if (!isForeign && !groupsOfOthers.has(parametersRef.group))
      return { reason: "InvalidParameters", message };
    notes.add(fieldOf(gateway.object, "spec", "infrastructure", "parametersRef"), {
      code: "statement-ignored",
      message: `${message}: they say how another controller is run`,
    });
  }
  return unsupportedAddress(gateway);
}

function refusedSet(
  listenerSet: ListenerSet,
  { object: gateway, refused }: ListenerOwner<Gateway>,
  set: ResourceSet,
): Problem | undefined {
  if (refused) return { reason: "ParentNotAccepted", message: `Gateway ${gateway.name} is not accepted` };
  const from = gateway.body.spec.allowedListeners?.namespaces ?? {};
  // GEP-1713: a Gateway takes no ListenerSets unless it says so.
  const { from: whose = "None" } = from;
  if (admitsNamespace(set, { ...from, from: whose }, gateway.namespace, listenerSet.namespace))
    return undefined;
  const message = `Gateway ${gateway.name} takes no ListenerSets of namespace ${listenerSet.namespace}`;
  return { reason: "NotAllowed", message };
}
