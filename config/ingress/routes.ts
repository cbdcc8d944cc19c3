// A host's locations → routes: one for each Ingress that the host has rules of, on both listeners where they agree.
import { limits } from "#contract/limits.ts";
import { withPriorities } from "../ordered-rules.ts";
import type { ClientCertificates } from "./annotation/client-certificates.ts";
import { ingressGateway } from "../istio/host.ts";
import type { ImportContext } from "../kubernetes/importer.ts";
import type { Gate } from "../kubernetes/model-parts.ts";
import { fieldOf } from "../kubernetes/notes.ts";
import { qualifiedName, type ObjectField } from "../kubernetes/object.ts";
import type { Backends } from "./backends.ts";
import type { Controller } from "./controller/controller.ts";
import { classOf } from "./ingress-class.ts";
import type { Ingress } from "./kinds.ts";
import { httpListener, type Listeners } from "./listeners.ts";
import { orderLocations } from "./locations.ts";
import {
  appRootRules,
  blockedClients,
  rulesOfLocation,
  serverSnippetRules,
  wildcardRest,
} from "./location-rules.ts";
import type { MatchInput, RuleInput } from "./rule-parts.ts";
import type { Server } from "./server.ts";

/** A rule, with the field that it comes from. */
export interface PlacedRule {
  readonly rule: RuleInput;
  readonly ingress: Ingress;
  readonly origin: ObjectField;
}

export interface RouteContext extends ImportContext {
  readonly backends: Backends;
  readonly listeners: Listeners;
  readonly controller: Controller;
  /** Requests that nobody answers: the controller's ConfigMap says so. */
  readonly blocked: readonly MatchInput[];
}

/** `catchAll`: the server for hosts without one. */
export function addRoutes(server: Server, catchAll: Server | undefined, context: RouteContext): void {
  // Hosts of more labels than the wildcard stands for belong to no server of their own.
  const served = server.host.startsWith("*.") && catchAll ? [server, catchAll] : [server];
  const locations = served.map((one) => ({ one, ordered: orderLocations(one, context.notes) }));
  const rulesOn = (scheme: "http" | "https"): PlacedRule[] => {
    const rules = locations.flatMap(({ one, ordered }) => [
      ...blockedClients(one, context.blocked),
      ...serverSnippetRules(one, scheme, context.controller),
      ...appRootRules(one),
      ...ordered.flatMap((location) => rulesOfLocation(location, one, scheme, context)),
      ...(one === server && served.length > 1 ? wildcardRest(server) : []),
    ]);
    const ranked = withPriorities(
      rules.map(({ rule }) => rule),
      false,
    );
    return rules.map((placed, index) => ({ ...placed, rule: ranked[index]! }));
  };
  const plain = rulesOn("http");
  const { policies } = server.clientCertificates ?? {};
  const httpsListeners = context.listeners.httpsOf(server.host);
  const secure = httpsListeners.length > 0 ? rulesOn("https") : plain;
  if (
    !policies &&
    JSON.stringify(plain.map(({ rule }) => rule)) === JSON.stringify(secure.map(({ rule }) => rule))
  ) {
    addFor(server, plain, [httpListener, ...httpsListeners], "", context);
    return;
  }
  addFor(server, plain, [httpListener], "-http", context, policies?.http);
  if (httpsListeners.length > 0) {
    addFor(server, secure, httpsListeners, "-https", context, policies?.https);
  }
}

/** Ingresses of class `istio` are for the Pods of Istio's own gateway; of other controllers nothing is known. */
export function gatesOf(ingress: Ingress): Gate[] {
  if (classOf(ingress) !== "istio") return [];
  return [80, 443].map((port) => ({ ...ingressGateway, port }));
}

function addFor(
  { host, aliases }: Server,
  rules: readonly PlacedRule[],
  listeners: readonly string[],
  suffix: string,
  { parts }: RouteContext,
  clientCertificate?: ClientCertificates["policies"]["http"],
): void {
  // No host has an underscore, so no two names are alike.
  const label = host === "" ? "" : `/${host.replace("*", "_")}`;
  for (const own of Map.groupBy(rules, ({ ingress }) => ingress).values()) {
    const { ingress } = own[0]!;
    for (let start = 0; start < own.length; start += limits.rulesPerRoute) {
      const part = own.slice(start, start + limits.rulesPerRoute);
      const number = start === 0 ? "" : `-${start / limits.rulesPerRoute + 1}`;
      parts.addRoute(
        {
          name: `ingress${suffix}${number}/${qualifiedName(ingress)}${label}`,
          listeners: [...listeners],
          ...(host !== "" && { hostnames: [host, ...aliases] }),
          ...(clientCertificate && { securityPolicy: { clientCertificate } }),
          rules: part.map(({ rule }) => rule),
        },
        fieldOf(ingress.object, "spec"),
        part.map(({ origin }) => origin),
        gatesOf(ingress),
      );
    }
  }
}
