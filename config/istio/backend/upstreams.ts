// Hosts of destinations → who answers there: Services of the cluster, and what ServiceEntries add to them.
import { serviceKind, type Service } from "../../kubernetes/core-kinds.ts";
import { hasLabels, type Labels } from "../../kubernetes/labels.ts";
import type { Pods } from "../../kubernetes/pods.ts";
import type { ResourceSet } from "../../kubernetes/resource-set.ts";
import { fieldOf } from "../../kubernetes/notes.ts";
import type { ObjectField } from "../../kubernetes/object.ts";
import type { EndpointInput, Services } from "../../kubernetes/services.ts";
import { isExportedTo, serviceOf } from "../host.ts";
import {
  serviceEntryKind,
  workloadEntryKind,
  type ServiceEntry,
  type WorkloadEntry,
} from "../kinds/service-entry.ts";
import { entryEndpoints, workloadEndpoint, type Selectable } from "./service-entry.ts";

export interface Upstream {
  readonly host: string;
  readonly originKind: "Service" | "ServiceEntry";
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  /** What the port is said to speak (`grpc`, `http2`, …), in lower case; empty: nothing is. */
  readonly protocol: string;
  /** Labels that all of its workloads have, as far as it is known; undefined: nothing is. */
  readonly selector: Labels | undefined;
  readonly tunnel: string | undefined;
  /** Not inside of the mesh (ServiceEntry, MESH_EXTERNAL). */
  readonly isExternal: boolean;
  /** Names of which its certificates must have one, unless a DestinationRule has names of its own. */
  readonly subjectAltNames: readonly string[];
  /** The Service or ServiceEntry; absent where the files describe no Services. */
  readonly origin: ObjectField | undefined;
  /** Labels of each of its workloads; undefined: the files do not have them. */
  readonly workloads: readonly Labels[] | undefined;
  /** With the labels only those workloads that have them. */
  endpoints(labels: Labels | undefined): EndpointInput[];
}

export interface Upstreams {
  /** Text: why there is none. `listenerPort` counts where the host has not exactly one port. */
  find(host: string, port: number | undefined, listenerPort: number, client: string): Upstream | string;
  /** Ports of the host that speak HTTP; undefined: the host is not known. */
  httpPorts(host: string, client: string): number[] | undefined;
}

/** `exportTo`: for whom Services and ServiceEntries are that do not say it. */
export function createUpstreams(
  set: ResourceSet,
  services: Services,
  exportTo: readonly string[],
): Upstreams {
  const workloads = set.all(workloadEntryKind);
  const entries = new Map<string, ServiceEntry[]>();
  for (const entry of set.all(serviceEntryKind)) {
    for (const host of entry.body.spec.hosts) {
      entries.set(host.toLowerCase(), [...(entries.get(host.toLowerCase()) ?? []), entry]);
    }
  }
  const entryOf = (host: string, client: string): ServiceEntry | undefined => {
    // The name of a Service is nobody's but its namespace's.
    const owner = serviceOf(host)?.namespace;
    const visible = (entries.get(host) ?? []).filter(
      ({ namespace, body }) =>
        isExportedTo(body.spec.exportTo, namespace, client, exportTo) && (owner ?? namespace) === namespace,
    );
    return visible.find(({ namespace }) => namespace === client) ?? visible[0];
  };
  return {
    find: (host, port, listenerPort, client) => {
      const entry = entryOf(host, client);
      if (entry) return fromEntry(entry, host, port, listenerPort, { set, pods: services.pods });
      const service = serviceOf(host);
      if (!service) return `nothing in the files has the host ${JSON.stringify(host)}`;
      const found = set.get(serviceKind, service.namespace, service.name);
      if (found && !isServiceExported(found, client, exportTo))
        return `the Service ${service.namespace}/${service.name} is not exported to ${client}`;
      const pods = podsOf(found, services.pods);
      return fromService(service, host, port, listenerPort, services, workloads, pods);
    },
    httpPorts: (host, client) => {
      const entry = entryOf(host, client);
      if (entry) {
        return entry.body.spec.ports.flatMap(({ number, protocol, name }) =>
          isHttp(protocol ?? name ?? "") ? [number] : [],
        );
      }
      const service = serviceOf(host);
      const found = service && set.get(serviceKind, service.namespace, service.name);
      return found && isServiceExported(found, client, exportTo) ? httpPortsOf(found) : undefined;
    },
  };
}

/** Services have an annotation where ServiceEntries have a field. */
function isServiceExported(
  { namespace, annotations }: Service,
  client: string,
  defaults: readonly string[],
): boolean {
  // Without a client it is the mesh itself that asks.
  if (client === "") return true;
  const own = annotations["networking.istio.io/exportTo"]?.split(",").map((entry) => entry.trim());
  return isExportedTo(
    own?.filter((entry) => entry !== ""),
    namespace,
    client,
    defaults,
  );
}

/** Undefined: the files have none. */
function podsOf(service: Service | undefined, pods: Pods): Labels[] | undefined {
  const selected = service ? pods.selected(service.namespace, service.body.spec.selector ?? {}) : [];
  return selected.length === 0 ? undefined : selected.map(({ labels }) => labels);
}

/** Istio reads the protocol from `appProtocol`, or the part of the port's name in front of `-`; without one it looks. */
function httpPortsOf({ body }: Service): number[] {
  return body.spec.ports.flatMap(({ name = "", port, protocol, appProtocol }) => {
    if (protocol !== "TCP") return [];
    const stated = statedIn(appProtocol ?? name);
    return /^(?:tcp|tls|https|mongo|mysql|redis|udp)$/.test(stated) ? [] : [port];
  });
}

function statedIn(name: string): string {
  return name.replace("kubernetes.io/", "").split("-")[0]!.toLowerCase();
}

function statedProtocol(service: Service | undefined, number: number): string {
  const port = service?.body.spec.ports.find((candidate) => candidate.port === number);
  return statedIn(port?.appProtocol ?? port?.name ?? "");
}

function isHttp(protocol: string): boolean {
  return /^(?:http|http2|grpc|grpc-web|h2c)(?:-|$)/i.test(protocol) || protocol === "";
}

function fromEntry(
  entry: ServiceEntry,
  host: string,
  wanted: number | undefined,
  listenerPort: number,
  { set, pods }: Selectable,
): Upstream | string {
  const { ports, location = "MESH_EXTERNAL", workloadSelector } = entry.body.spec;
  const number = wanted ?? (ports.length === 1 ? ports[0]!.number : listenerPort);
  const port = ports.find((candidate) => candidate.number === number);
  if (!port) return `the ServiceEntry ${entry.namespace}/${entry.name} has no port ${number}`;
  return {
    host,
    originKind: "ServiceEntry",
    namespace: entry.namespace,
    name: entry.name,
    port: number,
    protocol: (port.protocol ?? statedIn(port.name ?? "")).toLowerCase(),
    selector: workloadSelector?.labels,
    workloads: entry.body.spec.endpoints?.map(({ labels }) => labels ?? {}),
    tunnel: entry.annotations["isthmus.dev/tunnel"],
    isExternal: location === "MESH_EXTERNAL",
    subjectAltNames: entry.body.spec.subjectAltNames ?? [],
    origin: fieldOf(entry.object, "spec"),
    endpoints: (labels) => entryEndpoints(entry, host, port, { set, pods }, labels),
  };
}

function fromService(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  host: string,
  wanted: number | undefined,
  listenerPort: number,
  services: Services,
  workloads: readonly WorkloadEntry[],
  pods: readonly Labels[] | undefined,
): Upstream | string {
  let port = wanted;
  let target = services.find(namespace, name, port);
  if (wanted === undefined && (target === "port-ambiguous" || target === "port-unknown")) {
    port = listenerPort;
    target = services.find(namespace, name, port);
  }
  if (target === "service-unknown") return `the Service ${namespace}/${name} is not in the files`;
  if (typeof target === "string") return `the Service ${namespace}/${name} has no port ${port}`;
  const { service, tunnel } = target;
  const number = target.port;
  const selector = service?.body.spec.selector ?? undefined;
  // Workloads outside of the cluster that the Service selects stand beside its Pods.
  const selected = selector
    ? workloads.filter(
        (entry) =>
          entry.namespace === namespace && hasLabels({ labels: entry.body.spec.labels ?? {} }, selector),
      )
    : [];
  return {
    host,
    originKind: "Service",
    namespace,
    name,
    port: number,
    protocol: statedProtocol(service, number),
    selector,
    workloads: pods && [...pods, ...selected.map(({ body }) => body.spec.labels ?? {})],
    tunnel,
    isExternal: false,
    subjectAltNames: [],
    origin: service && fieldOf(service.object, "spec"),
    endpoints: (labels) => {
      const found = services.find(namespace, name, number, labels);
      const own = typeof found === "string" ? [] : found.endpoints;
      const others = selected.flatMap(({ body }) => workloadEndpoint(body.spec, number, undefined, labels));
      // The name would stand for the Pods that are not there.
      return others.length === 0 ? [...own] : [...own.filter(({ address }) => address !== host), ...others];
    },
  };
}
