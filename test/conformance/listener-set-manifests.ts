// What the manifests of the ListenerSet tests are made of: a Gateway, sets, and what is said of them.
import type { Running } from "./conformance-test.ts";
import { to } from "./http-route-manifests.ts";
import { gateway, indent, type World } from "./world.ts";

export const everyListener = [
  "Accepted=True Accepted",
  "ResolvedRefs=True ResolvedRefs",
  "Programmed=True Programmed",
];
export const taken = ["Accepted=True Accepted", "Programmed=True Programmed"];
export const refused = ["Accepted=False NotAllowed", "Programmed=False NotAllowed"];
export const notValid = ["Accepted=False ListenersNotValid", "Programmed=False ListenersNotValid"];

/** A Gateway `gw` that takes ListenerSets of the namespaces, with listeners of its own. */
export function host(world: World, namespaces: string, listeners: string): string {
  const allowed = namespaces && `  allowedListeners: { namespaces: ${namespaces} }\n`;
  return gateway(world, listeners).replace("  listeners:", `${allowed}  listeners:`);
}

export function listenerSet(
  { namespace: own }: World,
  name: string,
  listeners: string,
  namespace = own,
): string {
  return `---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  parentRef: { kind: Gateway, group: gateway.networking.k8s.io, name: gw, namespace: ${own} }
  listeners:
${indent(listeners, 4)}
`;
}

export const namespaceOf = (name: string, labels: string): string => `---
apiVersion: v1
kind: Namespace
metadata: { name: ${name}, labels: { ${labels} } }
`;
export const listener = (name: string, hostname: string, port: number, more = ""): string =>
  `- { name: ${name}, hostname: ${hostname}, port: ${port}, protocol: HTTP${more} }`;
export const own = ({ ports }: World): string => listener("own", "gateway.com", ports["http"]!);
export const toSet = (name: string, section = ""): string =>
  `{ group: gateway.networking.k8s.io, kind: ListenerSet, name: ${name}${section && `, sectionName: ${section}`} }`;
export const path = (at: string, version: number): string =>
  `rules: [{ matches: [{ path: { value: ${at} } }], backendRefs: ${to(version)} }]`;

export function attached({ field }: Running): unknown {
  return field("Gateway", "gw", "attachedListenerSets");
}
