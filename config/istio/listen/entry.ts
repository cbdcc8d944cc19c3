// Where requests or connections of a VirtualService come in: a server of a Gateway, or a port of the mesh.
import type { Labels } from "../../kubernetes/labels.ts";
import type { ObjectField } from "../../kubernetes/object.ts";

export interface Entry {
  readonly kind: "http" | "tls" | "tcp";
  /** Name of the listener in the model. */
  readonly listener: string;
  readonly port: number;
  /** Clients speak TLS. */
  readonly isTls: boolean;
  /** `ns/name`, or `mesh`. */
  readonly gateway: string;
  /** Namespace of the Gateway. */
  readonly namespace: string;
  /** Labels of the workload that listens, as far as the Gateway selects by them. */
  readonly labels: Labels;
  /** All requests for its hosts are sent to HTTPS. */
  readonly redirectsToHttps: boolean;
  /** Where it is written. */
  readonly origin: ObjectField;
  /** Hosts of the server, whichever namespace they are for. */
  readonly hosts: readonly string[];
  /** Those that VirtualServices of a namespace may have. */
  hostsFor(namespace: string): string[];
}
