// Routes whose parents are Services (GEP-1294): listeners of this machine alone, one for each port, as a sidecar's are to its
// pod. Nobody else can reach them, so nothing of the mesh is opened to the outside.
import type { ImportContext } from "../kubernetes/importer.ts";
import { serviceKind, type Service } from "../kubernetes/core-kinds.ts";
import { qualifiedName, type ObjectField } from "../kubernetes/object.ts";
import { meshListener, namesInCluster } from "../kubernetes/services.ts";
import { protocolOf } from "./app-protocol.ts";
import type { AnyRoute } from "./attachment.ts";
import type { Problem } from "./condition.ts";
import type { Listener } from "./listener.ts";
import type { ParentRef } from "./schema/reference.ts";

/** Where requests for a Service come in, and by which names. */
export interface MeshEntry {
  readonly ports: readonly number[];
  readonly hostnames: readonly string[];
  readonly field: ObjectField;
}

export interface Mesh {
  /** Undefined: there is no such Service. */
  entry(route: AnyRoute, ref: ParentRef, field: ObjectField): MeshEntry | Problem | undefined;
  /** Names of the entry's listeners, which are opened. */
  open(entry: MeshEntry, speaksHttp2: boolean): string[];
  /** Once all routes have said what their clients may speak. */
  addListeners(): void;
}

export function isService({ group, kind }: ParentRef): boolean {
  return group === "" && kind === "Service";
}

/** Beyond them a namespace's Services would leave no listeners for the Gateways of others. */
const maxPorts = 32;

export function createMesh({ set, parts, openPorts }: ImportContext, served: ReadonlySet<Listener>): Mesh {
  const describesServices = set.all(serviceKind).length > 0;
  const taken = new Set([...openPorts, ...[...served].map(({ spec }) => spec.port)]);
  const entered = new Set<number>();
  const opened = new Map<number, { field: ObjectField; http2: boolean }>();
  return {
    entry: (route, ref, field) => {
      const { name, namespace = route.namespace } = ref;
      const service = set.get(serviceKind, namespace, name);
      if (!service && describesServices) return undefined;
      const id = qualifiedName({ namespace, name });
      if (route.object.kind !== "HTTPRoute" && route.object.kind !== "GRPCRoute") {
        return noEntry("connections within the mesh do not come by the gateway");
      }
      // A consumer route: it holds for clients of its own namespace, and nobody knows here whose a request is.
      if (namespace !== route.namespace) {
        return noEntry(
          `routes of another namespace than that of Service ${id} hold for its own clients alone`,
        );
      }
      const ports = service ? portsOf(service, ref) : portsAssumed(route, ref);
      if (ports.length === 0) return noEntry(`Service ${id} has no port of HTTP that the reference names`);
      const free = ports.filter((port) => !taken.has(port));
      if (free.length === 0) {
        return noEntry(`on port ${ports.join(", ")} a Gateway or an Ingress listens, for everyone`);
      }
      if (new Set([...entered, ...free]).size > maxPorts) {
        return noEntry(`older routes have the ${maxPorts} ports that the mesh has here`);
      }
      for (const port of free) entered.add(port);
      return { ports: free, hostnames: namesInCluster(namespace, name), field };
    },
    open: ({ ports, field }, speaksHttp2) =>
      ports.map((port) => {
        const known = opened.get(port);
        opened.set(port, {
          field: known?.field ?? field,
          http2: speaksHttp2 || (known?.http2 ?? false),
        });
        return meshListener(port);
      }),
    addListeners: () => {
      for (const [port, { field, http2 }] of opened) {
        const name = meshListener(port);
        const addresses = ["127.0.0.1"];
        parts.addListener({ name, protocol: "HTTP", port, addresses, ...(http2 && { http2 }) }, field);
      }
    },
  };
}

/** ParentReference: a port's number and, as `sectionName`, its name; without both all ports. */
function portsOf({ body }: Service, ref: ParentRef): number[] {
  return body.spec.ports
    .filter(({ protocol, appProtocol }) => protocol === "TCP" && protocolOf(appProtocol) !== undefined)
    .filter(({ port }) => ref.port === undefined || ref.port === port)
    .filter(({ name }) => ref.sectionName === undefined || ref.sectionName === name)
    .map(({ port }) => port);
}

/** Where the files have no Services, that of the reference, or else those to which the route leads. */
function portsAssumed(route: AnyRoute, { port }: ParentRef): number[] {
  if (port !== undefined) return [port];
  const { rules } = route.body.spec;
  return [...new Set(rules.flatMap(({ backendRefs }) => backendRefs.flatMap((ref) => ref.port ?? [])))];
}

function noEntry(message: string): Problem {
  return { reason: "NoMatchingParent", message };
}
