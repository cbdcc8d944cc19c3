// What Istio's security objects say of a rule: at the gateway where requests come in, and at the workloads that they are
// for. Both are decided here, for the gateway is all that requests pass.
import type { ImportContext } from "../../kubernetes/importer.ts";
import type { Gate, TcpRouteInput } from "../../kubernetes/model-parts.ts";
import type { Destinations, Target } from "../backend/destinations.ts";
import type { RuleInput } from "../http/match.ts";
import {
  authorizationPolicyKind,
  requestAuthenticationKind,
  type AuthorizationPolicy,
  type RequestAuthentication,
} from "../kinds/security.ts";
import { podLabels } from "../../gateway-api/gate.ts";
import { gatewayKind as apiGatewayKind } from "../../gateway-api/schema/gateway-kinds.ts";
import { gatewayKind } from "../kinds/gateway.ts";
import { ingressGateway, ingressNamespace, rootNamespace } from "../host.ts";
import { approximated, at, ignored, unsupported, type Place } from "../../kubernetes/field-notes.ts";
import type { MeshConfig } from "../mesh-config.ts";
import { decisionOf, refusal, type Decision } from "./authorization.ts";
import { joinQuestions, questionsOf, type Questions } from "./custom-action.ts";
import { connectionPolicy } from "./connection-policy.ts";
import { firstOfEqual, madeOnce, type Held } from "./made-once.ts";
import { noteEmptyRules } from "./rule-shape.ts";
import { holdsAtGateway, holdsAtTarget, scopeOf, scopeOfBroken, type Scope } from "./scope.ts";
import { noteTargets } from "./target-kinds.ts";
import { providersOf, type Provider } from "./token-providers.ts";

type SecurityPolicy = NonNullable<RuleInput["securityPolicy"]>;

/** `gates`: the gateways that requests come in by; none where they come from within the mesh. */
export interface Security {
  /** There are no policies at all. */
  readonly isEmpty: boolean;
  /** Of policies that have no effect, once all routes are made. */
  noteUnheld(): void;
  /** Whether some RequestAuthentication is for the gateways. */
  readsTokens(gates: readonly Gate[]): boolean;
  ofRule(gates: readonly Gate[], targets: readonly Target[], place: Place): SecurityPolicy | undefined;
  ofConnections(
    gates: readonly Gate[],
    targets: readonly Target[],
    place: Place,
  ): TcpRouteInput["securityPolicy"];
}

/** Something that holds for a scope. */
interface Scoped<T> {
  readonly scope: Scope;
  readonly item: T;
  readonly place: Place;
  /** Something that is served is held to it. */
  isHeld: boolean;
}

interface Policies {
  /** Those of a namespace and of the whole mesh. */
  readonly authorizations: (namespace: string) => readonly Scoped<AuthorizationPolicy>[];
  readonly authentications: (namespace: string) => readonly Scoped<RequestAuthentication>[];
  /** Those that could not be read: nobody passes there. */
  readonly broken: readonly Scope[];
}

/** What is made of them for a place; equal ones are the same object. */
interface Makers {
  readonly decide: (held: Held<AuthorizationPolicy>) => Decision | undefined;
  readonly ask: (held: Held<AuthorizationPolicy>) => Questions;
  readonly verify: (held: Held<RequestAuthentication>) => Provider[];
}

export function createSecurity(
  context: ImportContext,
  destinations: Destinations,
  mesh: MeshConfig,
): Security {
  const { set, notes } = context;
  const gateways = [
    ...set.all(gatewayKind).map(({ body }) => body.spec.selector),
    ...set.all(apiGatewayKind).map(podLabels),
    ingressGateway.labels,
  ];
  const all: Scoped<unknown>[] = [];
  const scoped = <T extends AuthorizationPolicy | RequestAuthentication>(item: T): Scoped<T> => {
    const place: Place = { notes, object: item.object, path: ["spec"] };
    const scope = scopeOf(item.namespace, item.body.spec ?? undefined, gateways);
    noteTargets(scope, at(place, "targetRefs"), set);
    const policy: Scoped<T> = { scope, item, place, isHeld: false };
    all.push(policy);
    return policy;
  };
  const policies: Policies = {
    authorizations: byNamespace(
      set.all(authorizationPolicyKind).map((policy) => {
        noteEmptyRules(policy, notes);
        return scoped(policy);
      }),
    ),
    authentications: byNamespace(set.all(requestAuthenticationKind).map(scoped)),
    broken: [...set.leftOut(authorizationPolicyKind), ...set.leftOut(requestAuthenticationKind)].map(
      (object) => scopeOfBroken(object, gateways),
    ),
  };
  const makers = createMakers(context, destinations, mesh);
  return {
    isEmpty: all.length + policies.broken.length === 0,
    noteUnheld: () => {
      for (const { isHeld, scope, place } of all) {
        // What is targeted and not there has been noted.
        if (isHeld || scope.targetRefs.length > 0) continue;
        const message =
          "nothing that is served here is held to it: no gateway, and no workload that a route goes to";
        ignored(place, message, "See that its namespace and selector are those of the workload.");
      }
    },
    readsTokens: (gates) =>
      gates
        .flatMap((gate) => heldAtGate(policies.authentications, gate))
        .some(({ item }) => item.body.spec?.jwtRules?.length),
    ofRule: (gates, targets, place) => {
      const held = heldPolicies(gates, targets, policies);
      const decisions = decisionsFor(held, isRefused(gates, targets, policies), makers, place);
      const providers = providersFor(gates, targets, policies, makers, place);
      const extAuth = joinQuestions(questionsFor(held, makers), place);
      const [first, ...and] = decisions;
      if (!first && providers.length === 0 && !extAuth) return undefined;
      return {
        ...(providers.length > 0 && { jwt: { optional: true, providers } }),
        ...(first && { authorization: { ...first, ...(and.length > 0 && { and }) } }),
        ...(extAuth && { extAuth }),
      };
    },
    ofConnections: (gates, targets, place) => {
      const held = heldPolicies(gates, targets, policies);
      if (questionsFor(held, makers).some(({ size }) => size > 0)) refuseQuestion(place);
      const decisions = decisionsFor(held, isRefused(gates, targets, policies), makers, place);
      return connectionPolicy(decisions, place);
    },
  };
}

function createMakers({ notes }: ImportContext, destinations: Destinations, mesh: MeshConfig): Makers {
  const providers = { mesh, destinations };
  const sameDecision = firstOfEqual(refusal);
  const sameProviders = firstOfEqual<Provider[]>();
  return {
    decide: madeOnce(({ items, ports }) => {
      const decision = decisionOf(items, ports, notes);
      return decision && sameDecision(decision);
    }),
    ask: madeOnce(({ items, ports }) => questionsOf(items, ports, providers, notes)),
    verify: madeOnce(({ items }) => sameProviders(items.flatMap((item) => providersOf(item, notes)))),
  };
}

function refuseQuestion(place: Place): void {
  const message = "no authorization server is asked about connections, as a CUSTOM policy for them wants";
  unsupported(place, message, "Name the requests of other ports in the policy's operation.ports.");
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

interface HeldPolicies {
  readonly atGates: readonly Held<AuthorizationPolicy>[];
  readonly atTargets: readonly Held<AuthorizationPolicy>[];
}

function heldPolicies(
  gates: readonly Gate[],
  targets: readonly Target[],
  { authorizations }: Policies,
): HeldPolicies {
  const held = (policies: readonly Scoped<AuthorizationPolicy>[], ports: () => readonly number[]) => ({
    items: policies.map(({ item }) => item),
    ports: policies.length === 0 ? [] : ports(),
  });
  return {
    atGates: gates.map((gate) => held(heldAtGate(authorizations, gate), () => [gate.port])),
    atTargets: targets.map((target) => held(heldAtTarget(authorizations, target), () => portsOf(target))),
  };
}

/** Those of the gateways, then those of the workloads; each once. */
function decisionsFor(
  { atGates, atTargets }: HeldPolicies,
  isBroken: boolean,
  { decide }: Makers,
  place: Place,
): Decision[] {
  const [ofGates, ofTargets] = [atGates.map(decide), atTargets.map(decide)];
  noteDifference("it comes in by gateways with different policies", ofGates, place);
  noteDifference("its destinations have different policies", ofTargets, place);
  const all = new Set([...(isBroken ? [refusal] : []), ...ofGates, ...ofTargets]);
  return [...all].filter((decision) => decision !== undefined);
}

function isRefused(gates: readonly Gate[], targets: readonly Target[], { broken }: Policies): boolean {
  return broken.some(
    (scope) =>
      gates.some((gate) => holdsAtGateway(scope, gate)) ||
      targets.some((target) => holdsAtTarget(scope, target) !== "none"),
  );
}

function questionsFor({ atGates, atTargets }: HeldPolicies, { ask }: Makers): Questions[] {
  return [...atGates, ...atTargets].map(ask);
}

function portsOf({ upstream }: Target): number[] {
  return upstream ? [upstream.port, ...upstream.endpoints(undefined).map(({ port }) => port)] : [];
}

function noteDifference(what: string, decisions: readonly (Decision | undefined)[], place: Place): void {
  if (new Set(decisions).size < 2) return;
  const message = `${what}: requests must satisfy all of them, whichever way they take`;
  approximated(place, message, "Give what needs different policies routes of its own.");
}

type ByNamespace<T> = (namespace: string) => readonly Scoped<T>[];

function heldAtGate<T>(policies: ByNamespace<T>, gate: Gate): Scoped<T>[] {
  const namespaces = new Set([gate.namespace, ...(gate.gatewayName === undefined ? [ingressNamespace] : [])]);
  const all = new Set([...namespaces].flatMap((namespace) => policies(namespace)));
  const held = [...all].filter(({ scope }) => holdsAtGateway(scope, gate));
  for (const policy of held) policy.isHeld = true;
  return held;
}

function heldAtTarget<T>(policies: ByNamespace<T>, target: Target): Scoped<T>[] {
  return policies(namespaceOf(target)).filter((policy) => {
    const holds = holdsAtTarget(policy.scope, target);
    if (holds === "some") {
      const message = `it may be for some of the workloads of ${target.upstream!.host} alone; it is held for all of them`;
      approximated(
        { ...policy.place, path: ["spec", "selector"] },
        message,
        "Add the Pods, or select by the Service's labels.",
      );
    }
    if (holds !== "none") policy.isHeld = true;
    return holds !== "none";
  });
}

/** The issuers of both places. Where each has its own, a token would have to satisfy both. */
function providersFor(
  gates: readonly Gate[],
  targets: readonly Target[],
  { authentications }: Policies,
  { verify }: Makers,
  place: Place,
): Provider[] {
  const places = [
    ...gates.map((gate) => heldAtGate(authentications, gate)),
    ...targets.map((target) => heldAtTarget(authentications, target)),
  ];
  const lists = places.map((held) => verify({ items: held.map(({ item }) => item), ports: [] }));
  const distinct = new Set(lists.filter((providers) => providers.length > 0));
  if (distinct.size > 1) {
    const message =
      "the gateway and its destinations have different RequestAuthentications, all of which a token would have to satisfy";
    unsupported(place, message, "Write one for all of them.");
  }
  return [...distinct][0] ?? [];
}
