// References of routes → backends of the model: kind, permission, Service and port, and what its endpoints speak.
import { endpointId } from "../native/address.ts";
import { fieldOf, type Notes } from "../kubernetes/notes.ts";
import { qualifiedName, type ObjectField } from "../kubernetes/object.ts";
import type { BackendInput, ModelParts } from "../kubernetes/model-parts.ts";
import { type ServiceTarget, type Services, tunnelAnnotation } from "../kubernetes/services.ts";
import type { Problem } from "./condition.ts";
import type { ReferenceGrants } from "./reference-grants.ts";
import type { AnyRoute } from "./attachment.ts";
import type { BackendObjectRef } from "./schema/reference.ts";

export interface FoundBackend {
  readonly name: string;
  /** `http://address:port` of its first endpoint, where one has to be named. */
  readonly url: string | undefined;
  /** Makes it part of the model. */
  add(): void;
}

export interface Backends {
  /** The backend, or why there is none. */
  resolve(ref: BackendObjectRef, route: AnyRoute, field: ObjectField): FoundBackend | Problem;
}

export interface BackendContext {
  readonly services: Services;
  readonly grants: ReferenceGrants;
  readonly parts: ModelParts;
  readonly notes: Notes;
}

/** What a route carries to its backends, and how the backends of the model are told apart by it. */
type Carried = "requests" | "calls" | "connections";
const suffixes: Readonly<Record<Carried, string>> = { requests: "", calls: "/grpc", connections: "/tcp" };

/** `appProtocol` of a Service port (GEP-1911, and the names of IANA that mean HTTP). */
const protocolOf: Readonly<Record<string, BackendInput["protocol"]>> = {
  http: "HTTP",
  "kubernetes.io/ws": "HTTP",
  https: "HTTPS",
  "kubernetes.io/wss": "HTTPS",
};

/** GEP-1911; over HTTP/2, which only agents speak, so the Service needs a tunnel. */
const h2c = "kubernetes.io/h2c";

export function createBackends({ services, grants, parts, notes }: BackendContext): Backends {
  return {
    resolve: (ref, route, field) => {
      const { group, kind, name, port } = ref;
      if (group !== "" || kind !== "Service") {
        const what = group === "" ? kind : `${kind}.${group}`;
        return { reason: "InvalidKind", message: `backends of kind ${what} are not known here` };
      }
      const namespace = ref.namespace ?? route.namespace;
      const service = `Service ${qualifiedName({ namespace, name })}`;
      const from = { group: route.object.group, kind: route.object.kind, namespace: route.namespace };
      if (!grants.permit(from, { group, kind, namespace, name })) {
        const message = `no ReferenceGrant in ${namespace} lets this refer to ${service}`;
        return { reason: "RefNotPermitted", message };
      }
      const target = services.find(namespace, name, port);
      if (typeof target === "string")
        return { reason: "BackendNotFound", message: whyNot(target, service, port) };
      const carried = carriedBy(route);
      if (carried === "calls" && target.tunnel === undefined) {
        const message = `${service} is called over HTTP/2, which only agents speak: annotate it with ${tunnelAnnotation}`;
        return { reason: "UnsupportedProtocol", message };
      }
      const backend = `${namespace}/${name}/${target.port}${suffixes[carried]}`;
      return { name: backend, url: urlOf(target), add: () => add(backend, target, carried, field) };
    },
  };

  function add(backend: string, target: ServiceTarget, carried: Carried, field: ObjectField): void {
    const { appProtocol, endpoints, tunnel, service } = target;
    const origin = service ? fieldOf(service.object, "spec") : field;
    const protocol = protocolFor(target, carried);
    if (
      carried !== "connections" &&
      appProtocol !== undefined &&
      !protocolOf[appProtocol] &&
      protocol === "HTTP"
    ) {
      const message =
        appProtocol === h2c
          ? `appProtocol ${h2c} is spoken by agents only; without a tunnel, requests are sent over HTTP/1.1`
          : `appProtocol ${appProtocol} is not known here; requests are sent over HTTP/1.1`;
      const remedy = `Annotate the Service with ${tunnelAnnotation} and run an agent of that tunnel.`;
      notes.add(origin, { code: "statement-ignored", message, ...(appProtocol === h2c && { remedy }) });
    }
    parts.addBackend(
      backend,
      () => ({ name: backend, ...(tunnel !== undefined && { tunnel }), protocol, endpoints: [...endpoints] }),
      origin,
    );
  }
}

/** A GRPCRoute says itself that its backends speak gRPC, in TLS or not. */
function protocolFor({ appProtocol, tunnel }: ServiceTarget, carried: Carried): BackendInput["protocol"] {
  if (carried === "connections") return "TCP";
  const plain = protocolOf[appProtocol ?? "http"] ?? "HTTP";
  if (carried === "calls") return plain === "HTTPS" ? "GRPCS" : "GRPC";
  return appProtocol === h2c && tunnel !== undefined ? "H2C" : plain;
}

function urlOf({ appProtocol, endpoints: [first] }: ServiceTarget): string | undefined {
  if (!first) return undefined;
  const scheme = protocolOf[appProtocol ?? "http"] === "HTTPS" ? "https" : "http";
  return `${scheme}://${endpointId(first.address, first.port)}`;
}

function carriedBy({ object: { kind } }: AnyRoute): Carried {
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
