// Where requests or connections of a VirtualService come in: a server of a Gateway, or a port of the mesh.
import type { Gate } from "../../kubernetes/model-parts.ts";
import type { ObjectField } from "../../kubernetes/object.ts";

/** As a gate it is the workload that listens, with the labels by which the Gateway selects it. */
export interface Entry extends Gate {
  readonly kind: "http" | "tls" | "tcp";
  /** Name of the listener in the model. */
  readonly listener: string;
  /** Clients speak TLS. */
  readonly isTls: boolean;
  /** `ns/name`, or `mesh`. */
  readonly gateway: string;
  /** All requests for its hosts are sent to HTTPS. */
  readonly redirectsToHttps: boolean;
  /** Where it is written. */
  readonly origin: ObjectField;
  /** Hosts of the server, whichever namespace they are for. */
  readonly hosts: readonly string[];
  /** Those that VirtualServices of a namespace may have. */
  hostsFor(namespace: string): string[];
}
