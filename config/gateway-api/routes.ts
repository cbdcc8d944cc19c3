// All routes, in the order of their age: who takes them, what becomes of them in the model, and their conditions.
import { hostnameIndex } from "../check/hostname-index.ts";
import type { ImportContext } from "../kubernetes/importer.ts";
import type { Resource } from "../kubernetes/kind.ts";
import type { Gate, TcpRouteInput } from "../kubernetes/model-parts.ts";
import { fieldOf } from "../kubernetes/notes.ts";
import { qualifiedName } from "../kubernetes/object.ts";
import { createAttachments, type AnyRoute, type Attachment, type Claim } from "./attachment.ts";
import type { BackendTlsPolicies } from "./backend-tls-policies.ts";
import type { BackendTrafficPolicies } from "./backend-traffic-policies.ts";
import { createBackends } from "./backends.ts";
import { condition, controllerName, unless } from "./condition.ts";
import { createConnectionClaims, type ClaimedPart, type ConnectionClaims } from "./connection-claims.ts";
import { translateConnectionRules } from "./connection-route.ts";
import type { Extended } from "./extension.ts";
import { gateOf } from "./gate.ts";
import { translateGrpcRules } from "./grpc-route.ts";
import type { Gateways } from "./gateways.ts";
import { translateHttpRules, type TranslatedRule } from "./http-route.ts";
import { hostnamesOf, type Listener } from "./listener.ts";
import { createMesh, type Mesh } from "./mesh.ts";
import {
  policyParts,
  refsInVariant,
  ruleWithPolicies,
  type BackendUse,
  type PolicySplit,
} from "./policy-parts.ts";
import { hostnameParts } from "./route-hostnames.ts";
import type { ReachedServices } from "./reached-services.ts";
import type { ReferenceGrants } from "./reference-grants.ts";
import { createVerdict, problemText, type RouteVerdict } from "./route-verdict.ts";
import {
  grpcRouteKind,
  httpRouteKind,
  tcpRouteKind,
  tlsRouteKind,
  udpRouteKind,
  type GrpcRoute,
  type HttpRoute,
  type TcpRoute,
  type TlsRoute,
} from "./schema/route-kinds.ts";

export interface RouteResult {
  /** How many accepted routes each listener has, a route once (ListenerStatus, `attachedRoutes`). */
  readonly attachedRoutes: ReadonlyMap<Listener, number>;
  /** Listeners of the model whose clients may speak HTTP/2 without TLS, for their routes are of gRPC, or their backends do. */
  readonly http2Listeners: ReadonlySet<Listener>;
}

/** Who takes a route, and what is found out about it. */
interface Begun {
  readonly found: readonly Attachment[];
  readonly verdict: RouteVerdict;
}

export interface RouteContext {
  readonly gateways: Gateways;
  readonly grants: ReferenceGrants;
  readonly policies: BackendTlsPolicies;
  readonly traffic: BackendTrafficPolicies;
  readonly reached: ReachedServices;
  readonly extended: Extended;
  /** Listeners that the gateway opens, so that routes can have them. */
  readonly served: ReadonlySet<Listener>;
}

export function translateRoutes(context: ImportContext, routing: RouteContext): RouteResult {
  const { set, notes } = context;
  const { gateways, extended, served } = routing;
  const mesh = createMesh(context, served);
  const attachments = createAttachments(set, gateways, mesh);
  const backends = createBackends({ ...context, ...routing });
  const attachedRoutes = new Map<Listener, number>();
  const http2Listeners = new Set<Listener>();
  const begin = (route: AnyRoute, claim?: Claim): Begun => {
    const found = attachments.attach(route, claim);
    const listeners = found.flatMap((attachment) => attachment.listeners);
    return { found, verdict: createVerdict({ route, listeners }, backends, extended, notes) };
  };
  const attach = (route: AnyRoute, { found, verdict }: Begun): Listener[] => {
    addStatus(context, route, found, verdict);
    if (verdict.refused) return [];
    const taking = new Set(found.flatMap((attachment) => attachment.listeners));
    for (const listener of taking) attachedRoutes.set(listener, (attachedRoutes.get(listener) ?? 0) + 1);
    const listeners = [...taking].filter((listener) => served.has(listener));
    return [...new Set(listeners.map(gateways.servedAs))];
  };

  const exclusive = createHostClaims(set.all(grpcRouteKind).length > 0, gateways);
  for (const route of byAge([...set.all(httpRouteKind), ...set.all(grpcRouteKind)])) {
    const begun = begin(route, exclusive(route));
    const { verdict } = begun;
    const isGrpc = route.object.kind === "GRPCRoute";
    const rules = isGrpc
      ? translateGrpcRules(route as GrpcRoute, verdict, notes)
      : translateHttpRules(route as HttpRoute, verdict, notes);
    const listeners = attach(route, begun);
    const speaksHttp2 = isGrpc || verdict.hasHttp2Backend;
    if (speaksHttp2) for (const listener of listeners) http2Listeners.add(listener);
    const within = verdict.refused ? [] : meshParts(begun.found, mesh, speaksHttp2);
    if (listeners.length === 0 && within.length === 0) continue;
    addHttpRoute(route, begun, listeners, within, rules, { ...context, ...routing });
  }
  mesh.addListeners();

  const claims = createConnectionClaims(notes);
  for (const route of byAge([...set.all(tcpRouteKind), ...set.all(tlsRouteKind)])) {
    const begun = begin(route);
    const rules = translateConnectionRules(route, begun.verdict);
    const listeners = attach(route, begun);
    addConnectionRoute(route, begun, rules, claimedParts(route, listeners, claims), {
      ...context,
      ...routing,
    });
  }
  for (const route of set.all(udpRouteKind)) attach(route, begin(route));
  return { attachedRoutes, http2Listeners };
}

/** Those that the route is attached to, whichever listeners of the model stand for them. */
function gatesOf({ found }: Begun): Gate[] {
  return found.flatMap(({ listeners }) => listeners.map(gateOf));
}

type Adding = ImportContext & RouteContext;

/** The names of a listener of the model, and the hosts of a route there. */
interface MeshPart {
  readonly listeners: readonly string[];
  readonly hostnames: readonly string[];
}

function meshParts(found: readonly Attachment[], mesh: Mesh, speaksHttp2: boolean): MeshPart[] {
  return found.flatMap(({ mesh: entry }) =>
    entry ? [{ listeners: mesh.open(entry, speaksHttp2), hostnames: entry.hostnames }] : [],
  );
}

function addHttpRoute(
  route: HttpRoute | GrpcRoute,
  begun: Begun,
  listeners: readonly Listener[],
  within: readonly MeshPart[],
  rules: readonly TranslatedRule[],
  context: Adding,
): void {
  const { name, ...identity } = identityOf(route);
  const use: BackendUse = new Map();
  const split = splitOf(route, begun, context);
  const parts = [
    ...policyParts(split, listeners, context.extended).flatMap(({ listeners: ofPolicies, policies }) =>
      hostnameParts(route.body.spec.hostnames, ofPolicies).map((part) => ({
        listeners: part.listeners.map(({ id }) => id),
        hostnames: part.hostnames,
        policies,
      })),
    ),
    // Policies hold at Gateways.
    ...within.map((part) => ({ ...part, policies: [] })),
  ];
  for (const [index, part] of parts.entries()) {
    const { policies } = part;
    context.parts.addRoute(
      {
        name: index === 0 ? name : `${name}/${index + 1}`,
        ...identity,
        listeners: [...part.listeners],
        hostnames: [...part.hostnames],
        rules: rules.map((rule) => ruleWithPolicies(rule, policies[rule.index], use)),
      },
      fieldOf(route.object, "spec"),
      rules.map(({ field }) => field),
      gatesOf(begun),
      rules.map((rule) => policies[rule.index]?.fields ?? {}),
    );
  }
  begun.verdict.addBackends(use);
  if (listeners.length > 0 || route.body.spec.hostnames.length === 0) return;
  const message = "clients ask for Services by the Services' names; the route's host names are not looked at";
  context.notes.add(fieldOf(route.object, "spec", "hostnames"), { code: "statement-ignored", message });
}

function splitOf(
  route: HttpRoute | GrpcRoute | TcpRoute | TlsRoute,
  { found }: Begun,
  { gateways, served }: Adding,
): PolicySplit {
  return {
    route,
    ruleCount: route.body.spec.rules.length,
    attached: found.flatMap(({ listeners }) => listeners).filter((listener) => served.has(listener)),
    servedAs: gateways.servedAs,
  };
}

function claimedParts(
  route: TcpRoute | TlsRoute,
  listeners: readonly Listener[],
  claims: ConnectionClaims,
): ClaimedPart[] {
  if (isTlsRoute(route)) return claims.take(route, listeners, route.body.spec.hostnames);
  const free = claims.takeWhole(route, listeners);
  return free.length > 0 ? [{ listeners: free, hostnames: [] }] : [];
}

function addConnectionRoute(
  route: TcpRoute | TlsRoute,
  begun: Begun,
  rules: TcpRouteInput["rules"],
  claimed: readonly ClaimedPart[],
  context: Adding,
): void {
  const { name } = identityOf(route);
  const origin = fieldOf(route.object, "spec");
  const use: BackendUse = new Map();
  let count = 0;
  for (const { listeners, hostnames } of claimed) {
    for (const part of policyParts(splitOf(route, begun, context), listeners, context.extended)) {
      count += 1;
      const [policies] = part.policies;
      const added = {
        name: count === 1 ? name : `${name}/${count}`,
        listeners: part.listeners.map(({ id }) => id),
        rules: rules.map((rule) => {
          const refs = refsInVariant(rule.backendRefs ?? [], policies?.backend, use);
          const led = { ...rule, backendRefs: refs };
          return policies ? policies.applyToConnections(led) : led;
        }),
        ...(policies?.connectionSecurity && { securityPolicy: policies.connectionSecurity }),
      };
      if (isTlsRoute(route)) context.parts.addTlsRoute({ ...added, hostnames }, origin, gatesOf(begun));
      else context.parts.addTcpRoute(added, origin, gatesOf(begun));
    }
  }
  begun.verdict.addBackends(use);
}

function isTlsRoute(route: TcpRoute | TlsRoute): route is TlsRoute {
  return route.object.kind === "TLSRoute";
}

/** Namespace and name alone are those of objects of other kinds, too. */
function identityOf({ object, namespace, name, creationTimestamp }: AnyRoute) {
  return {
    name: `${object.kind.toLowerCase()}/${qualifiedName({ namespace, name })}`,
    ...(creationTimestamp !== undefined && { creationTimestamp }),
  };
}

/** Of several kinds, as a resource set has those of one. */
function byAge<R extends Resource<unknown>>(routes: readonly R[]): R[] {
  const keyOf = ({ creationTimestamp, namespace, name }: R) => [
    creationTimestamp ?? "~",
    qualifiedName({ namespace, name }),
  ];
  return routes.toSorted((a, b) => {
    const [[ageA, nameA], [ageB, nameB]] = [keyOf(a), keyOf(b)] as [string[], string[]];
    return compare(ageA!, ageB!) || compare(nameA!, nameB!);
  });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * A host of a listener is for HTTPRoutes or for GRPCRoutes, whichever was there first (GRPCRouteSpec, `hostnames`).
 * Without both kinds there is nothing to compare.
 */
function createHostClaims(
  isNeeded: boolean,
  { servedAs }: Gateways,
): (route: HttpRoute | GrpcRoute) => Claim | undefined {
  const taken = new Map<Listener, { kind: string; id: string; hostnames: readonly string[] }[]>();
  if (!isNeeded) return () => undefined;
  return (route) => (listener) => {
    const { kind } = route.object;
    const claims = taken.get(servedAs(listener)) ?? [];
    taken.set(servedAs(listener), claims);
    const hostnames =
      route.body.spec.hostnames.length > 0 ? route.body.spec.hostnames : hostnamesOf(listener);
    const rival = claims.find((claim) => claim.kind !== kind && intersect(claim.hostnames, hostnames));
    if (!rival) {
      claims.push({ kind, id: qualifiedName(route), hostnames });
      return undefined;
    }
    const message = `${rival.kind} ${rival.id} has a host of this route; a host is for one kind of routes`;
    return { reason: "HostnameConflict", message };
  };
}

function intersect(a: readonly string[], b: readonly string[]): boolean {
  if (a.length === 0 || b.length === 0) return true;
  const index = hostnameIndex(a);
  return b.some((hostname) => index.intersects(hostname));
}

function addStatus(
  { statuses, notes }: ImportContext,
  route: AnyRoute,
  attachments: readonly Attachment[],
  verdict: RouteVerdict,
): void {
  if (attachments.length === 0) {
    notes.add(fieldOf(route.object, "spec"), {
      code: "route-not-accepted",
      message: "the route has no parentRefs, so no Gateway takes it",
    });
  }
  const parents = attachments.flatMap(({ ref, field, refused, isUnknown }) => {
    const problem = verdict.refused ?? refused;
    if (refused) notes.add(field, { code: "route-not-accepted", message: problemText(refused) });
    if (isUnknown) return [];
    const { unresolvedRefs, dropped } = verdict;
    return {
      parentRef: ref,
      controllerName,
      conditions: [
        unless(route, "Accepted", problem),
        unless(route, "ResolvedRefs", unresolvedRefs),
        // Only while it is true, of a route that is accepted.
        ...(dropped && !problem ? [condition(route, "PartiallyInvalid", true, dropped)] : []),
      ],
    };
  });
  statuses.add(route, { parents });
}
