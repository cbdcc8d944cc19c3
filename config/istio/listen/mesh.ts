// VirtualServices of the mesh → listeners of this machine alone, one for each port of the hosts: what a sidecar's are to
// its pod. Nobody else can reach them, so nothing of the mesh is opened to the outside.
import type { ImportContext } from "../../kubernetes/importer.ts";
import type { Upstreams } from "../backend/upstreams.ts";
import { fullHost, serviceOf } from "../host.ts";
import type { VirtualService } from "../kinds/virtual-service.ts";
import { at, ignored, type Place } from "../../kubernetes/field-notes.ts";
import { meshListener, namesInCluster } from "../../kubernetes/services.ts";
import type { Entry } from "./entry.ts";

export interface MeshEntry {
  readonly entry: Entry;
  /** Names by which clients ask for the VirtualService's hosts on this port. */
  readonly hosts: readonly string[];
}

/** Port of HTTP where the files say nothing of a host's ports. */
const defaultPort = 80;

export interface Mesh {
  /** Listeners are added as they are asked for. `place`: that of the VirtualService. */
  entriesFor(service: VirtualService, place: Place): MeshEntry[];
}

/** `taken`: ports at which Gateways listen. */
export function createMesh({ parts }: ImportContext, upstreams: Upstreams, taken: ReadonlySet<number>): Mesh {
  const entries = new Map<number, Entry>();
  // Sidecars do not merge VirtualServices: the oldest has the host.
  const owners = new Map<string, VirtualService>();
  const isOwn = (host: string, service: VirtualService, place: Place): boolean => {
    const owner = owners.get(host) ?? service;
    owners.set(host, owner);
    if (owner === service) return true;
    const message = `within the mesh ${host} is already that of ${owner.namespace}/${owner.name}, which goes first`;
    ignored(at(place, "hosts"), message);
    return false;
  };
  const entryAt = (port: number, place: Place): Entry => {
    const known = entries.get(port);
    if (known) return known;
    // Routes of the Gateway API whose parents are Services may have it already.
    const open = (parts.config.listeners ?? []).find(
      (listener) => listener.port === port && listener.name === meshListener(port),
    );
    const entry: Entry = {
      kind: "http",
      listener: open?.name ?? `istio/mesh-${port}`,
      port,
      isTls: false,
      gateway: "mesh",
      namespace: "",
      labels: {},
      redirectsToHttps: false,
      origin: at(place, "hosts"),
      hosts: [],
      hostsFor: () => [],
    };
    entries.set(port, entry);
    if (!open) {
      parts.addListener({ name: entry.listener, protocol: "HTTP", port, addresses: ["127.0.0.1"] }, place);
    }
    return entry;
  };
  return {
    entriesFor: (service, place) => {
      const hostsByPort = new Map<number, string[]>();
      for (const host of service.body.spec.hosts ?? []) {
        const full = fullHost(host, service.namespace);
        if (!isOwn(full, service, place)) continue;
        for (const port of portsOf(full, service, upstreams)) {
          hostsByPort.set(port, [...(hostsByPort.get(port) ?? []), ...namesOf(full)]);
        }
      }
      return [...hostsByPort].flatMap(([port, hosts]) => {
        if (!taken.has(port))
          return [{ entry: entryAt(port, at(place, "hosts")), hosts: [...new Set(hosts)] }];
        const message = `routes of the mesh are not served on port ${port}, where a Gateway listens for everyone`;
        ignored(at(place, "hosts"), message);
        return [];
      });
    },
  };
}

/** Of hosts that are not known, the ports of the destinations. */
function portsOf(host: string, service: VirtualService, upstreams: Upstreams): Set<number> {
  const known = upstreams.httpPorts(host, service.namespace);
  if (known) return new Set(known);
  const { http = [] } = service.body.spec;
  const named = http.flatMap(({ route = [] }) =>
    route.flatMap(({ destination }) => destination.port?.number ?? []),
  );
  return new Set(named.length > 0 ? named : [defaultPort]);
}

function namesOf(host: string): string[] {
  const service = serviceOf(host);
  return service ? namesInCluster(service.namespace, service.name) : [host];
}
