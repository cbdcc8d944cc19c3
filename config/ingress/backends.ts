// Services → backends. Each is made once for all rules that refer to it.
import type { BackendInput } from "../kubernetes/model-parts.ts";
import type { ImportContext } from "../kubernetes/importer.ts";
import { fieldOf, type Notes } from "../kubernetes/notes.ts";
import type { ObjectField } from "../kubernetes/object.ts";
import type { ServiceProblem, ServiceTarget } from "../kubernetes/services.ts";
import type { ServiceRef, Source } from "./server.ts";

/** What the annotations of an Ingress say of a backend. */
export type BackendPolicies = Omit<BackendInput, "name" | "endpoints" | "tunnel">;

export interface Backends {
  /** Name of the backend for a Service of the Ingress's namespace. */
  nameOf(source: Source, service: ServiceRef, origin: ObjectField): string;
}

export function createBackends({ services, parts, notes }: ImportContext): Backends {
  return {
    nameOf: (source, service, origin) => {
      const { namespace } = source.ingress;
      const { name, port } = service;
      const target = services.find(namespace, name, port.number ?? port.name);
      const label = port.number ?? port.name ?? "";
      if (typeof target === "string") {
        noteMissing(target, namespace, service, origin, notes);
        return addBackend(`ingress/${namespace}/${name}/${label}`, undefined, origin);
      }
      return addBackend(`ingress/${namespace}/${name}/${label}`, target, origin);
    },
  };

  function addBackend(name: string, target: ServiceTarget | undefined, origin: ObjectField): string {
    const place = target?.service ? fieldOf(target.service.object, "spec") : origin;
    parts.addBackend(
      name,
      () => ({
        name,
        endpoints: [...(target?.endpoints ?? [])],
        ...(target?.tunnel !== undefined && { tunnel: target.tunnel }),
      }),
      place,
    );
    return name;
  }
}

/** To ingress-nginx a Service that is not there has no endpoints: requests are answered 503. */
function noteMissing(
  problem: ServiceProblem,
  namespace: string,
  { name, port }: ServiceRef,
  origin: ObjectField,
  notes: Notes,
): void {
  const service = JSON.stringify(`${namespace}/${name}`);
  const wanted = JSON.stringify(port.number ?? port.name ?? "");
  const message =
    problem === "service-unknown"
      ? `there is no Service ${service}`
      : `Service ${service} has no port ${wanted}${problem === "port-ambiguous" ? " that is the only one" : ""}`;
  notes.add(
    { object: origin.object, path: [...origin.path] },
    { code: "backend-unresolved", message: `${message}: requests are answered 503` },
  );
}
