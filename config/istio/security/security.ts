// What Istio's security objects say of a rule: at the gateway where requests come in, and at the workloads that they are
// for. Both are decided here, for the gateway is all that requests pass.
import type { ImportContext } from "../../kubernetes/importer.ts";
import type { TcpRouteInput } from "../../kubernetes/model-parts.ts";
import type { Target } from "../backend/destinations.ts";
import type { RuleInput } from "../http/match.ts";
import {
  authorizationPolicyKind,
  requestAuthenticationKind,
  type AuthorizationPolicy,
  type RequestAuthentication,
} from "../kinds/security.ts";
import { gatewayKind } from "../kinds/gateway.ts";
import { rootNamespace } from "../host.ts";
import type { Entry } from "../listen/entry.ts";
import { approximated, unsupported, type Place } from "../notes.ts";
import { decisionOf, refusal, type Decision } from "./authorization.ts";
import { connectionPolicy } from "./connection-policy.ts";
import { holdsAtGateway, holdsAtTarget, scopeOf, scopeOfBroken, type Scope } from "./scope.ts";
import { providersOf, type Provider } from "./token-providers.ts";

type SecurityPolicy = NonNullable<RuleInput["securityPolicy"]>;

export interface Security {
  ofRule(entry: Entry, targets: readonly Target[], place: Place): SecurityPolicy | undefined;
  ofConnections(entry: Entry, targets: readonly Target[], place: Place): TcpRouteInput["securityPolicy"];
}

/** Something that holds for a scope. */
interface Scoped<T> {
  readonly scope: Scope;
  readonly item: T;
  readonly place: Place;
}

interface Policies {
  /** Those of a namespace and of the whole mesh. */
  readonly authorizations: (namespace: string) => readonly Scoped<AuthorizationPolicy>[];
  readonly authentications: (namespace: string) => readonly Scoped<RequestAuthentication>[];
  /** Those that could not be read: nobody passes there. */
  readonly broken: readonly Scope[];
}

export function createSecurity(context: ImportContext): Security {
  const { set, notes } = context;
  const gateways = set.all(gatewayKind).map(({ body }) => body.spec.selector);
  const scoped = <T extends AuthorizationPolicy | RequestAuthentication>(item: T): Scoped<T> => {
    const place: Place = { notes, object: item.object, path: ["spec"] };
    const scope = scopeOf(item.namespace, item.body.spec ?? undefined, gateways);
    noteTargets(scope, place);
    return { scope, item, place };
  };
  const policies: Policies = {
    authorizations: byNamespace(set.all(authorizationPolicyKind).map(scoped)),
    authentications: byNamespace(set.all(requestAuthenticationKind).map(scoped)),
    broken: [...set.leftOut(authorizationPolicyKind), ...set.leftOut(requestAuthenticationKind)].map(
      (object) => scopeOfBroken(object, gateways),
    ),
  };
  return {
    ofRule: (entry, targets, place) => {
      const decisions = decisionsFor(entry, targets, policies, place);
      const providers = providersFor(entry, targets, policies, place);
      const [first, ...and] = decisions;
      if (!first && providers.length === 0) return undefined;
      return {
        ...(providers.length > 0 && { jwt: { optional: true, providers } }),
        ...(first && { authorization: { ...first, ...(and.length > 0 && { and }) } }),
      };
    },
    ofConnections: (entry, targets, place) =>
      connectionPolicy(decisionsFor(entry, targets, policies, place), place),
  };
}

function byNamespace<T>(all: readonly Scoped<T>[]): (namespace: string) => readonly Scoped<T>[] {
  const groups = Map.groupBy(all, ({ scope }) => scope.namespace);
  const general = groups.get(rootNamespace) ?? [];
  return (namespace) =>
    namespace === rootNamespace ? general : [...general, ...(groups.get(namespace) ?? [])];
}

function namespaceOf({ upstream }: Target): string {
  return upstream?.namespace ?? rootNamespace;
}

function noteTargets({ targetRefs }: Scope, place: Place): void {
  for (const { kind } of targetRefs) {
    if (kind === "Service" || kind === "ServiceEntry") continue;
    const message = `a policy for a ${kind} of the Gateway API does not hold for its routes here`;
    unsupported(
      { ...place, path: ["spec", "targetRefs"] },
      message,
      "Write a selector, or name the Service.",
    );
  }
}

/** That of the gateway, then those of the workloads; each once. */
function decisionsFor(
  entry: Entry,
  targets: readonly Target[],
  { authorizations, broken }: Policies,
  place: Place,
): Decision[] {
  const held = authorizations(entry.namespace).filter(({ scope }) => holdsAtGateway(scope, entry));
  const atGateway = decisionOf(
    held.map(({ item }) => item),
    [entry.port],
    place.notes,
  );
  const atTargets = targets.map((target) => {
    const own = authorizations(namespaceOf(target)).filter((policy) => isHeldAt(policy, target));
    const ports = target.upstream
      ? [target.upstream.port, ...target.upstream.endpoints(undefined).map(({ port }) => port)]
      : [];
    return decisionOf(
      own.map(({ item }) => item),
      ports,
      place.notes,
    );
  });
  if (new Set(atTargets.map((decision) => JSON.stringify(decision))).size > 1) {
    const message =
      "its destinations have different policies: requests must satisfy all of them, wherever they go";
    approximated(place, message, "Route to destinations with one policy.");
  }
  const isBroken = broken.some(
    (scope) =>
      holdsAtGateway(scope, entry) || targets.some((target) => holdsAtTarget(scope, target) !== "none"),
  );
  const all = [...(isBroken ? [refusal] : []), atGateway, ...atTargets].filter(
    (decision) => decision !== undefined,
  );
  return [...new Map(all.map((decision) => [JSON.stringify(decision), decision])).values()];
}

function isHeldAt({ scope, place }: Scoped<unknown>, target: Target): boolean {
  const holds = holdsAtTarget(scope, target);
  if (holds === "some") {
    const message = `it may be for some of the workloads of ${target.upstream!.host} alone; it is held for all of them`;
    approximated(
      { ...place, path: ["spec", "selector"] },
      message,
      "Add the Pods, or select by the Service's labels.",
    );
  }
  return holds !== "none";
}

/** The issuers of both places. Where each has its own, a token would have to satisfy both. */
function providersFor(
  entry: Entry,
  targets: readonly Target[],
  { authentications }: Policies,
  place: Place,
): Provider[] {
  const places = [
    authentications(entry.namespace).filter(({ scope }) => holdsAtGateway(scope, entry)),
    ...targets.map((target) =>
      authentications(namespaceOf(target)).filter((policy) => isHeldAt(policy, target)),
    ),
  ];
  const lists = places
    .map((held) => held.flatMap(({ item }) => providersOf(item, place.notes)))
    .filter((providers) => providers.length > 0);
  const distinct = new Map(lists.map((providers) => [JSON.stringify(providers), providers]));
  if (distinct.size > 1) {
    const message =
      "the gateway and its destinations have different RequestAuthentications, all of which a token would have to satisfy";
    unsupported(place, message, "Write one for all of them.");
  }
  return [...distinct.values()][0] ?? [];
}
