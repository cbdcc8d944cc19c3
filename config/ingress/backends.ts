// Services → backends. Each is made once for all rules that refer to it; of how its endpoints are picked the oldest Ingress
// has the say, as in ingress-nginx.
import { speaksTls } from "#contract/snapshot.ts";
import { serviceKind } from "../kubernetes/core-kinds.ts";
import type { ImportContext } from "../kubernetes/importer.ts";
import type { BackendInput } from "../kubernetes/model-parts.ts";
import { fieldOf, type Notes } from "../kubernetes/notes.ts";
import { qualifiedName, type ObjectField } from "../kubernetes/object.ts";
import { clusterName, type ServiceProblem, type ServiceTarget } from "../kubernetes/services.ts";
import type { ServiceRef, Source } from "./server.ts";
import type { Settings } from "./settings.ts";

/** What the annotations of an Ingress say of a backend. */
export type BackendPolicies = Omit<BackendInput, "name" | "endpoints" | "tunnel">;

export interface Backends {
  /** Name of the backend for a Service of the Ingress's namespace. */
  nameOf(source: Source, service: ServiceRef, scheme: "http" | "https", origin: ObjectField): string;
  /** Whether `default-backend` answers in its place, since it has no endpoints. */
  isReplaced(source: Source, service: ServiceRef): boolean;
  /** Name of the backend for the Service of `default-backend`; `undefined`: there is none. */
  defaultNameOf(source: Source): string | undefined;
}

/** ingress-nginx's `proxy-connect-timeout`. */
const defaultConnectTimeout = "5s";

export function createBackends(
  { services, set, parts, notes }: ImportContext,
  sources: readonly Source[],
): Backends {
  const owners = ownersOf(sources);
  const isReplaced: Backends["isReplaced"] = (source, { name, port }) =>
    isEmpty(services.find(source.ingress.namespace, name, port.number ?? port.name)) &&
    defaultOf(source) !== undefined;
  return { nameOf, defaultNameOf, isReplaced };

  function nameOf(
    source: Source,
    service: ServiceRef,
    scheme: "http" | "https",
    origin: ObjectField,
  ): string {
    const { namespace } = source.ingress;
    const { protocol, tls, ownTls } = source.settings.endpoints;
    const { loadBalancer, usesServiceAddress, endpoints } =
      owners.get(keyOf(namespace, service))?.settings ?? source.settings;
    const { connectTimeout = defaultConnectTimeout } = endpoints;
    const wanted = service.port.number ?? service.port.name;
    const found = services.find(namespace, service.name, wanted);
    const target = typeof found === "string" ? undefined : found;
    // `default-backend` has its say where the Service has no endpoints.
    const instead = isEmpty(found) ? defaultOf(source) : undefined;
    if (instead) return nameOf(instead.source, instead.service, scheme, origin);
    if (typeof found === "string") noteMissing(found, namespace, service, origin, notes);
    const spoken = protocol === "scheme" ? (scheme === "https" ? "HTTPS" : "HTTP") : protocol;
    const isTls = speaksTls(spoken);
    const suffix = spoken === "HTTP" ? "" : `/${spoken.toLowerCase()}`;
    const own = isTls && ownTls ? `/tls/${source.ingress.name}` : "";
    const name = `ingress/${namespace}/${service.name}/${wanted ?? ""}${suffix}${own}`;
    parts.addBackend(
      name,
      () => ({
        name,
        ...(spoken !== "HTTP" && { protocol: spoken }),
        ...(isTls && { tls }),
        timeout: { tcp: { connectTimeout } },
        endpoints: target ? endpointsOf(target, usesServiceAddress) : [],
        ...(loadBalancer && { loadBalancer }),
        ...(target?.tunnel !== undefined && { tunnel: target.tunnel }),
      }),
      target?.service ? fieldOf(target.service.object, "spec") : origin,
      {},
      target && { namespace, name: service.name, port: target.port },
    );
    return name;
  }

  function defaultNameOf(source: Source): string | undefined {
    const found = defaultOf(source);
    if (!found) return undefined;
    // Pages are asked for over HTTP, whatever the Ingress's own Services speak.
    const endpoints = { protocol: "HTTP", tls: {}, ownTls: false, connectTimeout: undefined } as const;
    const settings: Settings = { ...found.source.settings, endpoints };
    const origin = settings.annotations.field("default-backend");
    return nameOf({ ...found.source, settings }, found.service, "http", origin);
  }

  /** The Service of `default-backend` with its first port. */
  function defaultOf({ ingress, settings }: Source): { source: Source; service: ServiceRef } | undefined {
    const { errorPages, annotations } = settings;
    if (errorPages.service === undefined) return undefined;
    const service = set.get(serviceKind, ingress.namespace, errorPages.service);
    const [port] = service?.body.spec.ports ?? [];
    if (!service || !port) {
      const name = JSON.stringify(`${ingress.namespace}/${errorPages.service}`);
      annotations.ignored("default-backend", `there is no Service ${name} with a port`);
      return undefined;
    }
    // What stands in for another one has nothing that stands in for itself.
    const source = { ingress, settings: { ...settings, errorPages: { service: undefined, statuses: [] } } };
    return { source, service: { name: errorPages.service, port: { number: port.port } } };
  }
}

function isEmpty(found: ServiceTarget | ServiceProblem): boolean {
  return typeof found === "string" || found.endpoints.length === 0;
}

/** The oldest Ingress that has the Service among its backends; others that want it otherwise are told. */
function ownersOf(sources: readonly Source[]): ReadonlyMap<string, Source> {
  const owners = new Map<string, Source>();
  for (const source of sources) {
    const { namespace, body } = source.ingress;
    const paths = (body.spec.rules ?? []).flatMap(({ http }) => http?.paths ?? []);
    const backends = [
      ...(body.spec.defaultBackend ? [body.spec.defaultBackend] : []),
      ...paths.map(({ backend }) => backend),
    ];
    for (const { service } of backends) {
      if (!service) continue;
      const key = keyOf(namespace, service);
      const owner = owners.get(key);
      if (!owner) owners.set(key, source);
      else {
        noteBalancer(source, owner);
        noteConnectTimeout(source, owner);
      }
    }
  }
  return owners;
}

function keyOf(namespace: string, { name, port }: ServiceRef): string {
  return `${namespace}/${name}/${port.number ?? port.name ?? ""}`;
}

function noteBalancer({ settings }: Source, owner: Source): void {
  const { loadBalancer, annotations } = settings;
  if (!loadBalancer || JSON.stringify(loadBalancer) === JSON.stringify(owner.settings.loadBalancer)) return;
  const wanted = annotations.text("upstream-hash-by") === undefined ? "load-balance" : "upstream-hash-by";
  const by = JSON.stringify(qualifiedName(owner.ingress));
  annotations.ignored(wanted, `endpoints are picked as the older Ingress ${by} says`);
}

function noteConnectTimeout({ settings }: Source, owner: Source): void {
  const { connectTimeout } = settings.endpoints;
  if (connectTimeout === undefined || connectTimeout === owner.settings.endpoints.connectTimeout) return;
  const by = JSON.stringify(qualifiedName(owner.ingress));
  settings.annotations.ignored(
    "proxy-connect-timeout",
    `connections to the Service may take as long as the older Ingress ${by} says`,
  );
}

function endpointsOf({ service, port, endpoints }: ServiceTarget, usesServiceAddress: boolean) {
  if (!usesServiceAddress || !service) return [...endpoints];
  const { clusterIP } = service.body.spec;
  const hasAddress = clusterIP !== undefined && clusterIP !== "" && clusterIP !== "None";
  return [{ address: hasAddress ? clusterIP : clusterName(service.namespace, service.name), port }];
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
  const message = {
    "service-unknown": `there is no Service ${service}`,
    "port-unknown": `Service ${service} has no port ${wanted}`,
    "port-ambiguous": `Service ${service} has several ports, and none is named`,
  }[problem];
  notes.add(origin, { code: "backend-unresolved", message: `${message}: requests are answered 503` });
}
