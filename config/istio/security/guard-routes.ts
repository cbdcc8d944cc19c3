// Istio's policies over routes that other importers have made: those of the Gateway API and of Ingress lead to the same
// workloads, whose sidecars ask nobody by which kind of object a request has come.
import type { ImportContext } from "../../kubernetes/importer.ts";
import type { RouteInput } from "../../kubernetes/model-parts.ts";
import type { Path } from "../../report.ts";
import type { Target } from "../backend/destinations.ts";
import type { Upstreams } from "../backend/upstreams.ts";
import { serviceHost } from "../host.ts";
import type { RuleInput } from "../http/match.ts";
import { peerAuthenticationKind } from "../kinds/security.ts";
import { unsupported, type Place } from "../../kubernetes/field-notes.ts";
import type { Security } from "./security.ts";

type SecurityPolicy = NonNullable<RuleInput["securityPolicy"]>;

/** Before Istio's own routes are added. Returns where those of the others lead. */
export function guardRoutes(context: ImportContext, security: Security, upstreams: Upstreams): Target[] {
  const { parts, notes, set } = context;
  // Manifests of many routes are not looked through for nothing.
  if (security.isEmpty && set.all(peerAuthenticationKind).length === 0) return [];
  const targets = new Map<string, Target>();
  const targetsOf = (rule: Pick<RuleInput, "backendRefs">): Target[] =>
    (rule.backendRefs ?? []).flatMap(({ name }) => {
      const target = name == null ? undefined : (targets.get(name) ?? targetOf(name));
      if (target) targets.set(target.backend, target);
      return target ?? [];
    });
  const targetOf = (backend: string): Target | undefined => {
    const service = parts.serviceOf(backend);
    if (!service) return undefined;
    const { namespace, name, port } = service;
    const upstream = upstreams.find(serviceHost(name, namespace), port, port, namespace);
    return { backend, subset: {}, ...(typeof upstream !== "string" && { upstream }) };
  };
  const placeOf = (...path: Path): Place => ({ notes, ...parts.fieldAt(path)! });
  const { routes = [], tcpRoutes = [], tlsRoutes = [] } = parts.config;
  for (const [index, route] of routes.entries()) {
    const gates = parts.gatesOf(route);
    route.rules.forEach((rule, at) => {
      const place = placeOf("routes", index, "rules", at);
      const policy = security.ofRule(gates, targetsOf(rule), place);
      if (policy) route.rules[at] = { ...rule, securityPolicy: joined(route, rule, policy, place) };
    });
  }
  for (const [list, all] of Object.entries({ tcpRoutes, tlsRoutes })) {
    all.forEach((route, index) => {
      const place = placeOf(list, index);
      const policy = security.ofConnections(
        parts.gatesOf(route),
        route.rules.flatMap((rule) => targetsOf(rule)),
        place,
      );
      if (policy) all[index] = { ...route, securityPolicy: policy };
    });
  }
  return [...targets.values()];
}

/** What the rule's own object asks for holds, too. */
function joined(
  route: RouteInput,
  { securityPolicy }: RuleInput,
  policy: SecurityPolicy,
  place: Place,
): SecurityPolicy {
  const own: SecurityPolicy = { ...route.securityPolicy, ...securityPolicy };
  for (const block of Object.keys(policy) as (keyof SecurityPolicy)[]) {
    if (own[block] === undefined) continue;
    const message = `the route has ${block} of its own, and Istio's policies ask for another one`;
    unsupported(place, message, "Write one of them.");
  }
  return { ...own, ...policy };
}
