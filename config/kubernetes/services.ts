// Services → where their requests go: the ready addresses of their EndpointSlices, or their name in the cluster's DNS.
import type { NativeConfigInput } from "../native/schema.ts";
import { endpointSliceKind, podKind, serviceKind, type EndpointSlice, type Service } from "./core-kinds.ts";
import { hasLabels, type Labels } from "./labels.ts";
import { createPods, type Pods } from "./pods.ts";
import type { ResourceSet } from "./resource-set.ts";

export type EndpointInput = NonNullable<
  NonNullable<NativeConfigInput["backends"]>[number]["endpoints"]
>[number];

/** A port of a Service: its number, or its name. */
export type ServicePort = number | string;

export interface ServiceTarget {
  /** Absent where the files describe no Services at all and one is taken to exist. */
  readonly service: Service | undefined;
  /** Number of the Service's port. */
  readonly port: number;
  readonly portName: string | undefined;
  /** `kubernetes.io/h2c`, `https`, … */
  readonly appProtocol: string | undefined;
  readonly endpoints: readonly EndpointInput[];
  /** Tunnel through which the cluster is reached, if any. */
  readonly tunnel: string | undefined;
}

export type ServiceProblem = "service-unknown" | "port-unknown" | "port-ambiguous";

export interface Services {
  readonly pods: Pods;
  /** `port` absent: the only one. `labels`: only endpoints whose Pods have these. */
  find(
    namespace: string,
    name: string,
    port: ServicePort | undefined,
    labels?: Labels,
  ): ServiceTarget | ServiceProblem;
}

/** On a Service: the tunnel whose agents dial its endpoints. Absent: the gateway dials them itself. */
export const tunnelAnnotation = "isthmus.dev/tunnel";

/**
 * Files without any Service say nothing about which ones there are, so that each is taken to exist: a lone Ingress or
 * route is served as the cluster would. As soon as there is one, those that are missing are missing.
 */
export function createServices(set: ResourceSet): Services {
  const describesServices = set.all(serviceKind).length > 0;
  const slices = slicesByService(set);
  const pods = createPods(set);
  return {
    pods,
    find: (namespace, name, port, labels) => {
      const service = set.get(serviceKind, namespace, name);
      if (service) {
        const own = slices.get(`${namespace}/${name}`) ?? [];
        return targetOf(service, port, endpointsOf(service, own, set, pods, labels));
      }
      if (describesServices) return "service-unknown";
      if (typeof port !== "number") return "port-unknown";
      return assumed(namespace, name, port, labels);
    },
  };
}

type PortOfService = Service["body"]["spec"]["ports"][number];
type EndpointsOfPort = (port: PortOfService) => EndpointInput[];

/** Without slices: the Service's name, or where only some of its Pods are wanted, those of which the address is known. */
function endpointsOf(
  service: Service,
  slices: readonly EndpointSlice[],
  set: ResourceSet,
  pods: Pods,
  labels: Labels | undefined,
): EndpointsOfPort {
  const { namespace, name } = service;
  if (slices.length > 0) {
    return (port) => slices.flatMap((slice) => readyEndpoints(slice, port.name ?? "", set, labels));
  }
  if (labels === undefined) return ({ port }) => [{ address: clusterName(namespace, name), port }];
  const selector = service.body.spec.selector ?? {};
  const addresses = pods
    .selected(namespace, selector)
    .flatMap((pod) => (hasLabels(pod, labels) ? (pod.body.status?.podIP ?? []) : []));
  return ({ port, targetPort = port }) =>
    typeof targetPort === "number" ? addresses.map((address) => ({ address, port: targetPort })) : [];
}

function slicesByService(set: ResourceSet): Map<string, EndpointSlice[]> {
  const byService = new Map<string, EndpointSlice[]>();
  for (const slice of set.all(endpointSliceKind)) {
    const name = slice.labels["kubernetes.io/service-name"];
    if (name === undefined) continue;
    const key = `${slice.namespace}/${name}`;
    byService.set(key, [...(byService.get(key) ?? []), slice]);
  }
  return byService;
}

function assumed(namespace: string, name: string, port: number, labels: Labels | undefined): ServiceTarget {
  const endpoints = labels ? [] : [{ address: clusterName(namespace, name), port }];
  const unknown = { service: undefined, portName: undefined, appProtocol: undefined, tunnel: undefined };
  return { ...unknown, port, endpoints };
}

/** What the cluster's DNS answers with the Service's address (Kubernetes DNS-Based Service Discovery §2.3). */
export function clusterName(namespace: string, name: string): string {
  return `${name}.${namespace}.svc.cluster.local`;
}

/** As a pod may write a Service's name; the bare one is that of the namespace `default`, or it could be another's. */
export function namesInCluster(namespace: string, name: string): string[] {
  const short = namespace === "default" ? [name] : [];
  return [clusterName(namespace, name), ...short, `${name}.${namespace}`, `${name}.${namespace}.svc`];
}

/** The listener for what pods ask of the Services' port, whichever importer has routes there. */
export function meshListener(port: number): string {
  return `mesh/${port}`;
}

function targetOf(
  service: Service,
  wanted: ServicePort | undefined,
  endpointsOfPort: EndpointsOfPort,
): ServiceTarget | ServiceProblem {
  const { ports, type, externalName } = service.body.spec;
  const tcp = ports.filter(({ protocol }) => protocol === "TCP");
  if (wanted === undefined && tcp.length !== 1) return tcp.length === 0 ? "port-unknown" : "port-ambiguous";
  const found = tcp.find(({ name, port }) => wanted === undefined || wanted === port || wanted === name);
  const common = { service, tunnel: service.annotations[tunnelAnnotation] };
  if (type === "ExternalName") {
    const port = found?.port ?? wanted;
    if (typeof port !== "number") return "port-unknown";
    const endpoints = externalName ? [{ address: externalName, port }] : [];
    return { ...common, port, portName: found?.name, appProtocol: found?.appProtocol, endpoints };
  }
  if (!found) return "port-unknown";
  const { port, name: portName, appProtocol } = found;
  return { ...common, port, portName, appProtocol, endpoints: withoutRepeated(endpointsOfPort(found)) };
}

/** A slice's port belongs to the Service's port of the same name; unnamed ones to the only, unnamed one. */
function readyEndpoints(
  { namespace, body }: EndpointSlice,
  portName: string,
  set: ResourceSet,
  labels: Labels | undefined,
): EndpointInput[] {
  const port = body.ports?.find((candidate) => (candidate.name ?? "") === portName)?.port;
  if (!port) return [];
  return (body.endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .filter(({ targetRef }) => {
      if (labels === undefined) return true;
      const pod = set.get(podKind, targetRef?.namespace ?? namespace, targetRef?.name ?? "");
      return pod !== undefined && hasLabels(pod, labels);
    })
    .flatMap(({ addresses, zone }) =>
      // "Consumers should use the first address" (EndpointSlice, `endpoints[].addresses`).
      addresses.slice(0, 1).map((address) => ({ address, port, ...(zone && { zone }) })),
    );
}

/** Slices may overlap for a moment while the API server moves endpoints between them. */
function withoutRepeated(endpoints: readonly EndpointInput[]): EndpointInput[] {
  return [
    ...new Map(endpoints.map((endpoint) => [`${endpoint.address} ${endpoint.port}`, endpoint])).values(),
  ];
}
