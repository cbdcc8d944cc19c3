// Conditions of GatewayClasses, Gateways and ListenerSets (apis/v1 `gateway_types.go`).
import type { ImportContext } from "../kubernetes/importer.ts";
import { fieldOf } from "../kubernetes/notes.ts";
import type { Condition, StatusBody } from "../kubernetes/object-status.ts";
import { clientCertificateOf } from "./client-certificate.ts";
import { condition, unless, type Problem } from "./condition.ts";
import { unusableAddress, usableAddresses } from "./gateway-addresses.ts";
import { refusedClass, type Gateways, type ListenerOwner } from "./gateways.ts";
import { isProgrammed, type Listener, type ListenerContext } from "./listener.ts";
import { overlappingTls } from "./overlapping-tls.ts";
import type { ReferenceGrants } from "./reference-grants.ts";
import { problemText } from "./route-verdict.ts";
import type { Gateway, ListenerSet } from "./schema/gateway-kinds.ts";

type ListenerStatus = NonNullable<StatusBody["listeners"]>[number];

export function addGatewayStatuses(
  { set, statuses, notes }: ImportContext,
  gateways: Gateways,
  attachedRoutes: ReadonlyMap<Listener, number>,
  grants: ReferenceGrants,
): void {
  for (const gatewayClass of gateways.classes) {
    statuses.add(gatewayClass, {
      conditions: [unless(gatewayClass, "Accepted", refusedClass(gatewayClass))],
    });
  }
  const overlaps = overlapsOf(gateways);
  const listenersOfOwner = (owner: ListenerOwner): ListenerStatus[] =>
    listenersOf(owner, gateways, attachedRoutes, overlaps);
  for (const owner of gateways.gateways) {
    const { object } = owner;
    const addresses = usableAddresses(object);
    const unusable = unusableAddress(object);
    if (unusable) {
      const field = fieldOf(object.object, "spec", "addresses");
      notes.add(field, { code: "gateway-not-accepted", message: problemText(unusable) });
    }
    statuses.add(object, {
      ...(addresses.length > 0 && { addresses }),
      conditions: [
        ...conditionsOf(owner, gateways, unusable),
        ...referencesOf(owner, { set, grants }, notes),
        ...insecureFrontend(object),
      ],
      listeners: listenersOfOwner(owner),
      attachedListenerSets: gateways.attachedSets(object),
    });
    noteProblems(owner, gateways, notes);
  }
  for (const owner of gateways.listenerSets) {
    statuses.add(owner.object, {
      conditions: conditionsOf(owner, gateways),
      listeners: listenersOfOwner(owner),
    });
    noteProblems(owner, gateways, notes);
  }
}

/** By listener; those that are not accepted overlap with nothing. */
function overlapsOf({ gateways, listenerSets, conflicts }: Gateways): ReadonlyMap<Listener, Problem> {
  const accepted = [...gateways, ...listenerSets]
    .filter(({ refused }) => !refused)
    .flatMap(({ listeners }) => listeners)
    .filter((listener) => !listener.unsupported && !conflicts.has(listener));
  const byGateway = Map.groupBy(accepted, ({ gateway }) => gateway);
  return new Map([...byGateway.values()].flatMap((listeners) => [...overlappingTls(listeners)]));
}

/** GEP-91: whoever reads the status is to know that clients may come without a valid certificate. */
function insecureFrontend(gateway: Gateway): Condition[] {
  const { frontend } = gateway.body.spec.tls ?? {};
  const configs = frontend ? [frontend.default, ...frontend.perPort.map(({ tls }) => tls)] : [];
  if (!configs.some(({ validation }) => validation?.mode === "AllowInsecureFallback")) return [];
  const message = "connections are accepted without a valid certificate of the client";
  return [
    condition(gateway, "InsecureFrontendValidationMode", true, { reason: "ConfigurationChanged", message }),
  ];
}

/** Of what the Gateway itself refers to, where it does, and of what its listeners refer to in vain. */
function referencesOf(
  { object: gateway, listeners }: ListenerOwner<Gateway>,
  context: ListenerContext,
  notes: ImportContext["notes"],
): Condition[] {
  const certificate = clientCertificateOf(gateway, context);
  const problem = certificate && "reason" in certificate ? certificate : undefined;
  if (problem) {
    const field = fieldOf(gateway.object, "spec", "tls", "backend", "clientCertificateRef");
    notes.add(field, { code: "reference-unresolved", message: problemText(problem) });
  }
  const unresolved = listeners.filter((listener) => listener.unresolved);
  const names = unresolved.map(({ spec }) => spec.name).join(", ");
  const summary =
    unresolved.length > 0 ? { reason: "ListenersNotResolved", message: `not resolved: ${names}` } : undefined;
  return certificate || summary ? [unless(gateway, "ResolvedRefs", problem ?? summary)] : [];
}

function noteProblems(
  { object: { object }, refused, listeners }: ListenerOwner,
  { conflicts }: Gateways,
  notes: ImportContext["notes"],
): void {
  if (refused) {
    const field = { object, path: ["spec"] };
    notes.add(field, { code: "gateway-not-accepted", message: problemText(refused) });
  }
  for (const listener of listeners) {
    for (const problem of [listener.unsupported, conflicts.get(listener), listener.unresolved]) {
      if (problem)
        notes.add(listener.field, { code: "listener-not-accepted", message: problemText(problem) });
    }
  }
}

/** Accepted with at least one listener that is; programmed with at least one that is open. */
function conditionsOf(
  { object, listeners, refused }: ListenerOwner<Gateway | ListenerSet>,
  { conflicts }: Gateways,
  unusable?: Problem,
) {
  // A ListenerSet none of whose listeners is served is not taken; a Gateway is, for it may have ListenerSets.
  const isSet = object.object.kind !== "Gateway";
  const invalid = listeners.filter(
    (listener) =>
      listener.unsupported ?? conflicts.get(listener) ?? (isSet && !isProgrammed(listener, conflicts)),
  );
  const noneValid = invalid.length === listeners.length;
  const names = invalid.map(({ spec }) => spec.name).join(", ");
  const problem: Problem = { reason: "ListenersNotValid", message: `not accepted: ${names}` };
  const accepted = refused
    ? condition(object, "Accepted", false, refused)
    : invalid.length > 0
      ? condition(object, "Accepted", !noneValid, problem)
      : unless(object, "Accepted", undefined);
  const isAccepted = accepted.status === "True";
  const isOpen = !refused && listeners.some((listener) => isProgrammed(listener, conflicts));
  // A ListenerSet repeats its reason; a Gateway that nothing is served of is Invalid.
  const closed: Problem = {
    reason: isSet && !isAccepted ? accepted.reason : "Invalid",
    message: refused?.message ?? "no listener is served",
  };
  return [accepted, unless(object, "Programmed", (isAccepted && unusable) || (isOpen ? undefined : closed))];
}

function listenersOf(
  owner: ListenerOwner,
  { conflicts }: Gateways,
  attachedRoutes: ReadonlyMap<Listener, number>,
  overlaps: ReadonlyMap<Listener, Problem>,
): ListenerStatus[] {
  return owner.listeners.map((listener) => {
    const { object } = owner;
    const conflict = conflicts.get(listener);
    const overlap = overlaps.get(listener);
    const unaccepted = owner.refused && { reason: "Invalid", message: owner.refused.message };
    const problem = listener.unsupported ?? conflict ?? unaccepted;
    const unserved =
      problem ??
      (isProgrammed(listener, conflicts)
        ? undefined
        : (listener.unresolved ?? unusableAddress(listener.gateway)));
    return {
      name: listener.spec.name,
      // In a conflict it takes no routes, of whatever kind: upstream's suite looks for that.
      supportedKinds: conflict ? [] : listener.supportedKinds,
      attachedRoutes: attachedRoutes.get(listener) ?? 0,
      conditions: [
        unless(object, "Accepted", problem),
        unless(object, "ResolvedRefs", listener.unresolved),
        unless(object, "Programmed", unserved && programmedProblem(unserved, conflict)),
        condition(object, "Conflicted", conflict !== undefined, conflict ?? noConflicts),
        // Only while it is true (ListenerConditionOverlappingTLSConfig).
        ...(overlap ? [condition(object, "OverlappingTLSConfig", true, overlap)] : []),
      ],
    };
  });
}

const noConflicts: Problem = { reason: "NoConflicts", message: "" };

function programmedProblem({ message }: Problem, conflict: Problem | undefined): Problem {
  return conflict ?? { reason: "Invalid", message };
}
