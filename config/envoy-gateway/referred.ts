// What policies refer to: Secrets, ConfigMaps and servers, in their own namespace or where a ReferenceGrant lets them.
import { secretText } from "../kubernetes/certificates.ts";
import { configMapKind, secretKind, type Secret } from "../kubernetes/core-kinds.ts";
import { qualifiedName, type KubernetesObject } from "../kubernetes/object.ts";
import { endpointId } from "../native/address.ts";
import type { ExtensionContext } from "../gateway-api/extension.ts";
import { backendTlsPolicyKind } from "../gateway-api/schema/policy-kinds.ts";
import type { z } from "zod";
import { endpointsOf } from "./backend-endpoints.ts";
import { backendKind } from "./schema/other-kinds.ts";
import { envoyGroup, type objectRef, type serverRef } from "./schema/common.ts";

export type ObjectRef = z.output<typeof objectRef>;
export type ServerRef = z.output<typeof serverRef>;
type Referring = Pick<ExtensionContext, "set" | "grants">;

/** Text in place of what was referred to: why it is not there. */
export function referredSecret(
  { group = "", kind = "Secret", name, namespace }: ObjectRef,
  from: KubernetesObject,
  { set, grants }: Referring,
): Secret | string {
  if (group !== "" || kind !== "Secret") return `expected a Secret, not ${kind}`;
  const own = namespace ?? from.namespace;
  const secret = `Secret ${qualifiedName({ namespace: own, name })}`;
  if (!grants.permit(from, { group, kind, namespace: own, name }))
    return `no ReferenceGrant in ${own} lets this refer to ${secret}`;
  return set.get(secretKind, own, name) ?? `there is no ${secret}`;
}

/** A value of a Secret or ConfigMap. */
export function referredText(
  ref: ObjectRef,
  key: string,
  from: KubernetesObject,
  context: Referring,
): { text: string } | { problem: string } {
  const { name, namespace = from.namespace } = ref;
  if (ref.kind === "ConfigMap") {
    const what = `ConfigMap ${qualifiedName({ namespace, name })}`;
    if (!context.grants.permit(from, { group: "", kind: "ConfigMap", namespace, name }))
      return { problem: `no ReferenceGrant in ${namespace} lets this refer to ${what}` };
    const text = context.set.get(configMapKind, namespace, name)?.body.data?.[key];
    return text === undefined ? { problem: `there is no ${what} with ${key}` } : { text };
  }
  const secret = referredSecret(ref, from, context);
  if (typeof secret === "string") return { problem: secret };
  const text = secretText(secret, key);
  const problem = `Secret ${qualifiedName({ namespace, name })} has no ${key}`;
  return text === undefined ? { problem } : { text };
}

/** `http://address:port` of the server's first endpoint. */
export function referredServer(
  { group, kind, name, namespace, port }: ServerRef,
  from: KubernetesObject,
  context: Pick<ExtensionContext, "set" | "grants" | "services">,
): { url: string } | { problem: string } {
  const own = namespace ?? from.namespace;
  const what = `${kind} ${qualifiedName({ namespace: own, name })}`;
  if (!context.grants.permit(from, { group, kind, namespace: own, name }))
    return { problem: `no ReferenceGrant in ${own} lets this refer to ${what}` };
  const backend =
    group === envoyGroup && kind === "Backend" ? context.set.get(backendKind, own, name) : undefined;
  if (backend) {
    const [first] = endpointsOf(backend);
    if (!first) return { problem: `${what} has no endpoints` };
    return { url: `${backend.body.spec.tls ? "https" : "http"}://${endpointId(first.address, first.port)}` };
  }
  if (group !== "" || kind !== "Service") return { problem: `servers of kind ${kind} are not known here` };
  const target = context.services.find(own, name, port);
  if (typeof target === "string") return { problem: `there is no ${what} with port ${port ?? "of its own"}` };
  const [first] = target.endpoints;
  if (!first) return { problem: `${what} has no endpoints` };
  const isTls =
    target.appProtocol === "https" ||
    context.set
      .all(backendTlsPolicyKind)
      .some(({ namespace: at, body }) => at === own && body.spec.targetRefs.some((ref) => ref.name === name));
  return { url: `${isTls ? "https" : "http"}://${endpointId(first.address, first.port)}` };
}
