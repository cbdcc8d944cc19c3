// ServiceEntry and WorkloadEntry → endpoints.
import { hasLabels, type Labels } from "../../kubernetes/labels.ts";
import type { Pods } from "../../kubernetes/pods.ts";
import type { ResourceSet } from "../../kubernetes/resource-set.ts";
import type { EndpointInput } from "../../kubernetes/services.ts";
import { workloadEntryKind, type ServiceEntry, type Workload } from "../kinds/service-entry.ts";

/** What a selector of workloads picks from. */
export interface Selectable {
  readonly set: ResourceSet;
  readonly pods: Pods;
}

type EntryPort = ServiceEntry["body"]["spec"]["ports"][number];

export function entryEndpoints(
  { namespace, body }: ServiceEntry,
  host: string,
  { number, targetPort, name }: EntryPort,
  selectable: Selectable,
  labels: Labels | undefined,
): EndpointInput[] {
  const { resolution, endpoints = [], addresses = [], workloadSelector } = body.spec;
  const port = targetPort ?? number;
  if (workloadSelector) {
    const wanted = workloadSelector.labels ?? {};
    return selectedWorkloads(namespace, wanted, selectable).flatMap((workload) =>
      workloadEndpoint(workload, port, name, labels),
    );
  }
  if (endpoints.length > 0) {
    return distinct(endpoints.flatMap((workload) => workloadEndpoint(workload, port, name, labels)));
  }
  if (labels !== undefined || resolution === "STATIC") return [];
  // NONE: connections would go on to the address that the client dialled.
  const single = addresses.filter((address) => !address.includes("/"));
  if (resolution === "NONE" && single.length > 0) return single.map((address) => ({ address, port }));
  return host.startsWith("*") ? [] : [{ address: host, port }];
}

/** WorkloadEntries, and Pods with an address. */
function selectedWorkloads(namespace: string, wanted: Labels, { set, pods }: Selectable): Workload[] {
  const entries = set
    .all(workloadEntryKind)
    .filter((entry) => entry.namespace === namespace)
    .map(({ body }) => body.spec)
    .filter(({ labels = {} }) => hasLabels({ labels }, wanted));
  return [
    ...entries,
    ...pods
      .selected(namespace, wanted)
      .flatMap(({ labels, body }) =>
        body.status?.podIP === undefined ? [] : [{ address: body.status.podIP, labels: { ...labels } }],
      ),
  ];
}

/** None where the workload has not the labels, or no address of its own (`unix://`, another network's gateway). */
export function workloadEndpoint(
  { address, ports, labels = {}, locality, weight }: Workload,
  port: number,
  portName: string | undefined,
  wanted: Labels | undefined,
): EndpointInput[] {
  if (address === undefined || address.startsWith("unix:")) return [];
  if (wanted && !hasLabels({ labels }, wanted)) return [];
  // `region/zone/subzone`.
  const zone = locality?.split("/")[1] ?? locality;
  return [
    {
      address,
      port: ports?.[portName ?? ""] ?? port,
      ...(weight !== undefined && weight > 0 && { weight }),
      ...(zone !== undefined && zone !== "" && { zone }),
    },
  ];
}

function distinct(endpoints: readonly EndpointInput[]): EndpointInput[] {
  return [
    ...new Map(endpoints.map((endpoint) => [`${endpoint.address} ${endpoint.port}`, endpoint])).values(),
  ];
}
