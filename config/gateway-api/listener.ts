// One listener of a Gateway or ListenerSet, judged by itself: protocol, kinds of routes, certificates.
import { certificateOf, type InlineCertificate } from "../kubernetes/certificates.ts";
import { fieldOf } from "../kubernetes/notes.ts";
import { qualifiedName, type ObjectField } from "../kubernetes/object.ts";
import type { ResourceSet } from "../kubernetes/resource-set.ts";
import type { Problem } from "./condition.ts";
import { hasAddress } from "./gateway-addresses.ts";
import { readFrontendValidation, type FrontendValidation } from "./frontend-validation.ts";
import type { ReferenceGrants } from "./reference-grants.ts";
import type { Gateway, ListenerSet, ListenerSpec } from "./schema/gateway-kinds.ts";
import { gatewayGroup, type RouteGroupKind, type SecretRef } from "./schema/reference.ts";

/** Protocols that are served, with the kinds of routes that go with them. */
const kindsOfProtocol: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    HTTP: ["HTTPRoute", "GRPCRoute"],
    HTTPS: ["HTTPRoute", "GRPCRoute"],
    TCP: ["TCPRoute"],
    TLS: ["TLSRoute", "TCPRoute"],
  }),
);

export interface Listener {
  /** Of the model: `<namespace>/<gateway or listener set>/<listener>`. */
  readonly id: string;
  /** The object that declares it. */
  readonly owner: Gateway | ListenerSet;
  readonly gateway: Gateway;
  readonly spec: ListenerSpec;
  readonly field: ObjectField;
  readonly supportedKinds: readonly RouteGroupKind[];
  readonly certificates: readonly InlineCertificate[];
  /** Absent: clients are asked for no certificate. */
  readonly frontendValidation: FrontendValidation | undefined;
  /** Against `Accepted`. */
  readonly unsupported: Problem | undefined;
  /** Against `ResolvedRefs`. */
  readonly unresolved: Problem | undefined;
}

export interface ListenerContext {
  readonly set: ResourceSet;
  readonly grants: ReferenceGrants;
}

export function readListener(
  gateway: Gateway,
  owner: Gateway | ListenerSet,
  index: number,
  context: ListenerContext,
): Listener {
  const spec = owner.body.spec.listeners[index]!;
  // Gateways and ListenerSets of one name may stand beside each other.
  const prefix = owner === gateway ? qualifiedName(owner) : `${qualifiedName(owner)}/set`;
  const kinds = supportedKinds(spec);
  const frontend = readFrontendValidation(gateway, spec, context);
  const certificates = endsTls(spec) ? readCertificates(owner, spec, context) : { valid: [] };
  return {
    id: `${prefix}/${spec.name}`,
    owner,
    gateway,
    spec,
    field: fieldOf(owner.object, "spec", "listeners", index),
    supportedKinds: kinds.valid,
    certificates: certificates.valid,
    frontendValidation: frontend.validation,
    unsupported: kindsOfProtocol.has(spec.protocol)
      ? frontend.refused
      : {
          reason: "UnsupportedProtocol",
          message: `listeners of protocol ${spec.protocol} are not served here`,
        },
    unresolved: kinds.problem ?? certificates.problem ?? frontend.unresolved,
  };
}

/** Host names in lower case; empty: every host. */
export function hostnamesOf({ spec }: Pick<Listener, "spec">): string[] {
  return spec.hostname ? [spec.hostname.toLowerCase()] : [];
}

export function endsTls({ protocol, tls }: ListenerSpec): boolean {
  return protocol === "HTTPS" || (protocol === "TLS" && tls?.mode !== "Passthrough");
}

function supportedKinds({ protocol, tls, allowedRoutes }: ListenerSpec): {
  valid: RouteGroupKind[];
  problem?: Problem;
} {
  const ofProtocol = (kindsOfProtocol.get(protocol) ?? []).filter(
    (kind) => kind !== "TCPRoute" || tls?.mode !== "Passthrough",
  );
  const wanted = allowedRoutes?.kinds ?? [];
  if (wanted.length === 0) return { valid: ofProtocol.map((kind) => ({ group: gatewayGroup, kind })) };
  const isValid = ({ group, kind }: RouteGroupKind) => group === gatewayGroup && ofProtocol.includes(kind);
  const invalid = wanted.find((kind) => !isValid(kind));
  const valid = wanted.filter(isValid);
  if (!invalid) return { valid };
  const name = invalid.group === gatewayGroup ? invalid.kind : `${invalid.kind}.${invalid.group}`;
  const message = `routes of kind ${name} do not go with a listener of protocol ${protocol}`;
  return { valid, problem: { reason: "InvalidRouteKinds", message } };
}

function readCertificates(
  owner: Gateway | ListenerSet,
  { tls, protocol }: ListenerSpec,
  context: ListenerContext,
): { valid: InlineCertificate[]; problem?: Problem } {
  const refs = tls?.certificateRefs ?? [];
  if (refs.length === 0) {
    const message = `a listener of protocol ${protocol} needs certificateRefs`;
    return { valid: [], problem: { reason: "InvalidCertificateRef", message } };
  }
  const read = refs.map((ref) => readCertificate(owner, ref, context));
  const problem = read.find((one): one is Problem => "reason" in one);
  const valid = read.filter((one): one is InlineCertificate => "certificate" in one);
  return { valid, ...(problem && { problem }) };
}

function readCertificate(
  owner: Gateway | ListenerSet,
  ref: SecretRef,
  { set, grants }: ListenerContext,
): InlineCertificate | Problem {
  const invalid = (message: string): Problem => ({ reason: "InvalidCertificateRef", message });
  const { group, kind, name } = ref;
  if (group !== "" || kind !== "Secret")
    return invalid(`certificates are read from Secrets, not from ${kind}`);
  const namespace = ref.namespace ?? owner.namespace;
  const secret = `Secret ${qualifiedName({ namespace, name })}`;
  const from = { group: owner.object.group, kind: owner.object.kind, namespace: owner.namespace };
  if (!grants.permit(from, { group, kind, namespace, name })) {
    return {
      reason: "RefNotPermitted",
      message: `no ReferenceGrant in ${namespace} lets this refer to ${secret}`,
    };
  }
  const found = certificateOf(set, namespace, name);
  if (found === "secret-unknown") return invalid(`there is no ${secret}`);
  if (found === "secret-incomplete")
    return invalid(`${secret} has no certificate and key in tls.crt and tls.key`);
  return found;
}

/** Whether the gateway opens it: it can be told from all others, and has something to show where TLS ends. */
export function isProgrammed(listener: Listener, conflicts: ReadonlyMap<Listener, Problem>): boolean {
  const { unsupported, gateway, spec, certificates, supportedKinds } = listener;
  if (unsupported || conflicts.has(listener) || !hasAddress(gateway)) return false;
  return supportedKinds.length > 0 && (!endsTls(spec) || certificates.length > 0);
}
