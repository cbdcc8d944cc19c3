// References of routes → backends of the model: kind, permission, Service and port, what its endpoints speak, and
// in which TLS.
import { speaksTls } from "#contract/snapshot.ts";
import { endpointId } from "../native/address.ts";
import { fieldOf } from "../kubernetes/notes.ts";
import { qualifiedName, type ObjectField } from "../kubernetes/object.ts";
import type { BackendInput, ServicePortId } from "../kubernetes/model-parts.ts";
import type { ImportContext } from "../kubernetes/importer.ts";
import type { ServiceTarget } from "../kubernetes/services.ts";
import type { BackendTlsPolicies, EffectivePolicy } from "./backend-tls-policies.ts";
import { protocolOf } from "./app-protocol.ts";
import type { BackendTrafficPolicies, TrafficSettings } from "./backend-traffic-policies.ts";
import { clientCertificateOf } from "./client-certificate.ts";
import type { Problem } from "./condition.ts";
import type { BackendVariant, Extended, ExtensionBackend } from "./extension.ts";
import type { ReachedServices } from "./reached-services.ts";
import type { ReferenceGrants } from "./reference-grants.ts";
import type { AnyRoute } from "./attachment.ts";
import type { Listener } from "./listener.ts";
import type { Gateway } from "./schema/gateway-kinds.ts";
import type { BackendObjectRef } from "./schema/reference.ts";

export interface FoundBackend {
  /** Undefined: what holds for the Service forbids to reach it. */
  readonly name: string | undefined;
  /** `http://address:port` of its first endpoint, where one has to be named. */
  readonly url: string | undefined;
  /** TLS settings that only a backend of the model can have. */
  readonly hasTls: boolean;
  /** Its endpoints speak HTTP/2, in TLS or not. */
  readonly isHttp2: boolean;
  /** Gets requests only while no other backend of the rule can. */
  readonly isFallback: boolean;
  /** Of the Service's XBackendTrafficPolicy. */
  readonly settings?: TrafficSettings | undefined;
  /** Makes it part of the model. */
  add(variant?: BackendVariant): void;
}

/** Who refers: a route, and the listeners that take it. */
export interface Referring {
  readonly route: AnyRoute;
  readonly listeners: readonly Listener[];
  /** What it has for the backend, where that is not what the route carries. */
  readonly carries?: Carried;
}

export interface Backends {
  /** The backend, or why there is none. */
  resolve(ref: BackendObjectRef, from: Referring, field: ObjectField): FoundBackend | Problem;
}

export interface BackendContext extends Pick<ImportContext, "set" | "services" | "parts" | "notes"> {
  readonly grants: ReferenceGrants;
  readonly policies: BackendTlsPolicies;
  readonly traffic: BackendTrafficPolicies;
  readonly reached: ReachedServices;
  readonly extended: Extended;
}

/** What a route carries to its backends, and how the backends of the model are told apart by it. */
type Carried = "requests" | "calls" | "connections";
const suffixes: Readonly<Record<Carried, string>> = { requests: "", calls: "/grpc", connections: "/tcp" };

/** The same in TLS, where a BackendTLSPolicy asks for it. */
const inTls = { HTTP: "HTTPS", H2C: "H2", GRPC: "GRPCS", TCP: "TLS" } as const;

interface Way {
  readonly protocol: NonNullable<BackendInput["protocol"]>;
  readonly tls?: BackendInput["tls"];
  readonly tlsField?: ObjectField;
  /** Tells backends apart that different Gateways reach in different ways. */
  readonly suffix: string;
}

const unreachable: FoundBackend = {
  name: undefined,
  url: undefined,
  hasTls: true,
  isHttp2: false,
  isFallback: false,
  add: () => undefined,
};

export function createBackends(context: BackendContext): Backends {
  const { services, grants, policies, traffic, reached, extended } = context;
  return {
    resolve: (ref, from, field) => {
      const { group, kind, name, port } = ref;
      const { route } = from;
      const namespace = ref.namespace ?? route.namespace;
      const other = group === "" && kind === "Service" ? undefined : extended.backend(ref, namespace);
      if (!other && (group !== "" || kind !== "Service")) {
        const what = group === "" ? kind : `${kind}.${group}`;
        return { reason: "InvalidKind", message: `backends of kind ${what} are not known here` };
      }
      const service = `${kind} ${qualifiedName({ namespace, name })}`;
      const referrer = { group: route.object.group, kind: route.object.kind, namespace: route.namespace };
      if (!grants.permit(referrer, { group, kind, namespace, name })) {
        const message = `no ReferenceGrant in ${namespace} lets this refer to ${service}`;
        return { reason: "RefNotPermitted", message };
      }
      if (other) return "reason" in other ? other : extensionBackend(ref, namespace, from, other, context);
      const target = services.find(namespace, name, port);
      if (typeof target === "string")
        return { reason: "BackendNotFound", message: whyNot(target, service, port) };
      if (!canCarry(target, carriedBy(from))) {
        const message = `appProtocol ${target.appProtocol} of ${service} is not known here`;
        return { reason: "UnsupportedProtocol", message };
      }
      reached.reached({ namespace, name }, gatewaysOf(from));
      const policy = policies.find({ namespace, name }, target.portName);
      // An invalid policy is no leave to go without TLS: the answer is 500, and the policy's status says why.
      if (policy && !policy.tls) return unreachable;
      const way = wayTo(target, from, policy, context);
      const backend: ServiceBackend = {
        name: `${namespace}/${name}/${target.port}${way.suffix}`,
        service: { namespace, name, port: target.port },
        target,
        way,
        settings: traffic.find({ namespace, name }),
        field,
      };
      return {
        name: backend.name,
        settings: backend.settings,
        url: urlOf(target),
        hasTls: way.tls !== undefined,
        isHttp2: way.protocol === "H2C" || way.protocol === "H2",
        isFallback: false,
        add: (variant) => addServiceBackend(backend, variant, context),
      };
    },
  };
}

function extensionBackend(
  { group, kind, name }: BackendObjectRef,
  namespace: string,
  from: Referring,
  { endpoints, isHttp2, tls, isFallback, field }: ExtensionBackend,
  { parts }: BackendContext,
): FoundBackend {
  const carried = carriedBy(from);
  const plain = carried === "connections" ? "TCP" : carried === "calls" ? "GRPC" : isHttp2 ? "H2C" : "HTTP";
  const protocol = tls ? inTls[plain] : plain;
  // No namespace has a dot in its name.
  const backend = `${kind.toLowerCase()}.${group}/${namespace}/${name}${suffixes[carried]}`;
  const [first] = endpoints;
  return {
    name: backend,
    url: first && `${tls ? "https" : "http"}://${endpointId(first.address, first.port)}`,
    hasTls: tls !== undefined,
    isHttp2: protocol === "H2C" || protocol === "H2",
    isFallback,
    add: (variant) => {
      const named = `${backend}${variant?.suffix ?? ""}`;
      const input: BackendInput = { name: named, protocol, ...(tls && { tls }), endpoints: [...endpoints] };
      parts.addBackend(named, () => ({ ...input, ...variant?.settings }), field, fieldsOf(variant));
    },
  };
}

/** A backend of the model, of which `add` makes variants. */
interface ServiceBackend {
  readonly name: string;
  readonly service: ServicePortId;
  readonly target: ServiceTarget;
  readonly way: Way;
  readonly settings: TrafficSettings | undefined;
  readonly field: ObjectField;
}

function addServiceBackend(
  { name: backend, service, target, way, settings, field }: ServiceBackend,
  variant: BackendVariant | undefined,
  { parts }: BackendContext,
): void {
  const { endpoints, tunnel } = target;
  const { protocol, tls, tlsField } = way;
  // Connections are not repeated.
  const retryConstraint = protocol === "TCP" || protocol === "TLS" ? undefined : settings?.retryConstraint;
  const origin = target.service ? fieldOf(target.service.object, "spec") : field;
  const named = `${backend}${variant?.suffix ?? ""}`;
  parts.addBackend(
    named,
    () => ({
      name: named,
      ...(tunnel !== undefined && { tunnel }),
      protocol,
      ...(tls && { tls }),
      ...(retryConstraint && { retryConstraint }),
      endpoints: [...endpoints],
      ...variant?.settings,
    }),
    origin,
    {
      ...(retryConstraint && { retryConstraint: settings!.field }),
      ...fieldsOf(variant),
      ...(tlsField && { tls: tlsField }),
    },
    service,
  );
}

/** Where the settings of a variant come from. */
function fieldsOf(variant: BackendVariant | undefined): Record<string, ObjectField> {
  return Object.fromEntries(Object.keys(variant?.settings ?? {}).map((name) => [name, variant!.field]));
}

function gatewaysOf({ listeners }: Referring): Gateway[] {
  return [...new Set(listeners.map(({ gateway }) => gateway))];
}

/** What is spoken to the endpoints, verified by whom, and what they are shown. */
function wayTo(
  target: ServiceTarget,
  from: Referring,
  policy: EffectivePolicy | undefined,
  context: BackendContext,
): Way {
  const { route, listeners } = from;
  const gateways = gatewaysOf(from);
  const carried = carriedBy(from);
  const plain = protocolFor(target, carried);
  const passing = listeners.filter(({ spec }) => spec.tls?.mode === "Passthrough");
  const isPassed = passing.length > 0;
  if (policy && isPassed) {
    const isMixed = passing.length < listeners.length;
    context.notes.add(policy.field, {
      code: isMixed ? "statement-unsupported" : "statement-ignored",
      message: isMixed
        ? `the policy holds where TLS ends at the gateway; at listener ${passing[0]!.id} it passes, and the route has both`
        : "connections whose TLS passes are passed on as they are, without TLS of the gateway",
    });
  }
  const settings = isPassed ? undefined : policy?.tls;
  const protocol = settings ? (inTls[plain as keyof typeof inTls] ?? plain) : plain;
  // The same endpoints may be reached by connections that pass, too.
  const suffix = protocol === "TLS" ? "/tls" : suffixes[carried];
  if (!speaksTls(protocol)) return { protocol, suffix };
  const shown = gateways.flatMap((gateway) => {
    const certificate = clientCertificateOf(gateway, context);
    return certificate && "certificate" in certificate ? [{ gateway, certificate }] : [];
  });
  const [first] = shown;
  if (!first)
    return {
      protocol,
      suffix,
      ...(settings && { tls: settings }),
      ...(policy && { tlsField: policy.field }),
    };
  if (
    shown.length < gateways.length ||
    shown.some((one) => one.certificate.certificate !== first.certificate.certificate)
  ) {
    const message = "the route's Gateways show endpoints different certificates, of which there can be one";
    context.notes.add(fieldOf(route.object, "spec", "parentRefs"), {
      code: "statement-unsupported",
      message,
    });
  }
  return {
    protocol,
    suffix: `${suffix}/from/${qualifiedName(first.gateway)}`,
    tls: { ...settings, clientCertificate: first.certificate },
    tlsField:
      policy?.field ?? fieldOf(first.gateway.object, "spec", "tls", "backend", "clientCertificateRef"),
  };
}

/** Requests need a protocol that is known; connections are passed on whatever they speak. */
function canCarry({ appProtocol }: ServiceTarget, carried: Carried): boolean {
  return carried === "connections" || protocolOf(appProtocol) !== undefined;
}

/** A GRPCRoute says itself that its backends speak gRPC, in TLS or not. */
function protocolFor({ appProtocol }: ServiceTarget, carried: Carried): Way["protocol"] {
  if (carried === "connections") return "TCP";
  const plain = protocolOf(appProtocol) ?? "HTTP";
  if (carried === "calls") return plain === "HTTPS" ? "GRPCS" : "GRPC";
  return plain;
}

function urlOf({ appProtocol, endpoints: [first] }: ServiceTarget): string | undefined {
  if (!first) return undefined;
  const scheme = protocolOf(appProtocol) === "HTTPS" ? "https" : "http";
  return `${scheme}://${endpointId(first.address, first.port)}`;
}

function carriedBy({ route, carries }: Referring): Carried {
  const { kind } = route.object;
  if (carries) return carries;
  if (kind === "GRPCRoute") return "calls";
  return kind === "HTTPRoute" ? "requests" : "connections";
}

function whyNot(problem: string, service: string, port: number | undefined): string {
  switch (problem) {
    case "service-unknown":
      return `there is no ${service}`;
    case "port-ambiguous":
      return `${service} has several ports, and the reference names none`;
    default:
      return `${service} has no ${port === undefined ? "port" : `port ${port}`}`;
  }
}
