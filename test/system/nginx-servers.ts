// Ingresses → the `server` blocks that ingress-nginx's template makes of them, as far as their behaviour is nginx's own. Written
// apart from the importer, after `rootfs/etc/nginx/template/nginx.tmpl`. What its Lua does by header, host and scheme is
// said with `if` here; canaries, session affinity and balancers are left out.
import { parseAllDocuments } from "yaml";

interface Service {
  readonly name: string;
  readonly port: { readonly number?: number; readonly name?: string };
}

export interface IngressObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly creationTimestamp?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly defaultBackend?: { readonly service?: Service };
    readonly tls?: readonly object[];
    readonly rules?: readonly {
      readonly host?: string;
      readonly http?: {
        readonly paths: readonly {
          readonly path?: string;
          readonly pathType: string;
          readonly backend: { readonly service?: Service };
        }[];
      };
    }[];
  };
}

export interface Manifest {
  readonly ingresses: readonly IngressObject[];
  /** Objects by kind, namespace and name. */
  readonly objects: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
}

export interface Location {
  readonly path: string;
  readonly isExact: boolean;
  readonly ingress: IngressObject;
  readonly service: Service | undefined;
  readonly isDefault: boolean;
}

export interface Server {
  readonly host: string;
  readonly locations: Location[];
  readonly ingresses: IngressObject[];
}

const prefix = "nginx.ingress.kubernetes.io/";

/** Of the controller's ConfigMap. */
export function controllerSettings({ objects }: Manifest): Readonly<Record<string, string>> {
  const found = objects.get("ConfigMap/ingress-nginx/ingress-nginx-controller");
  return (found?.["data"] ?? {}) as Readonly<Record<string, string>>;
}

export function annotation({ metadata }: IngressObject, name: string): string {
  return metadata.annotations?.[prefix + name]?.trim() ?? "";
}

export function isOn(ingress: IngressObject, name: string): boolean {
  return annotation(ingress, name) === "true";
}

export function namespaceOf({ metadata }: IngressObject): string {
  return metadata.namespace ?? "default";
}

/** Of the files of a case, without canaries and what is for other controllers. */
export function readManifest(text: string): Manifest {
  const documents = parseAllDocuments(text).map(
    (document) => document.toJS() as Record<string, unknown> | null,
  );
  const objects = new Map<string, Record<string, unknown>>();
  for (const value of documents) {
    if (!value) continue;
    const { name, namespace = "default" } = value["metadata"] as { name: string; namespace?: string };
    objects.set(`${String(value["kind"])}/${namespace}/${name}`, value);
  }
  const foreign = [...objects.values()].flatMap((value) => {
    const { controller = "" } = (value["spec"] ?? {}) as { controller?: string };
    const isForeign = value["kind"] === "IngressClass" && controller !== "k8s.io/ingress-nginx";
    return isForeign ? [(value["metadata"] as { name: string }).name] : [];
  });
  const ageOf = ({ metadata }: IngressObject): string =>
    `${metadata.creationTimestamp ?? "~"} ${metadata.namespace ?? "default"}/${metadata.name}`;
  const ingresses = [...objects.values()]
    .filter((value) => value["kind"] === "Ingress")
    .map((value) => value as unknown as IngressObject)
    .filter((ingress) => {
      const { ingressClassName = "" } = ingress.spec as { ingressClassName?: string };
      const named = ingress.metadata.annotations?.["kubernetes.io/ingress.class"] ?? ingressClassName;
      return !foreign.includes(named) && !isOn(ingress, "canary");
    })
    .sort((a, b) => (ageOf(a) < ageOf(b) ? -1 : 1));
  return { ingresses, objects };
}

export function serversOf({ ingresses }: Manifest): Server[] {
  const servers = new Map<string, Server>();
  const server = (host: string, first: Location[]): Server => {
    const known = servers.get(host);
    if (known) return known;
    const made = { host, locations: first, ingresses: [] };
    servers.set(host, made);
    return made;
  };
  const alone = ingresses.find(({ spec }) => spec.defaultBackend?.service && !spec.rules?.length);
  server("", alone ? [rest(alone)] : []);
  for (const ingress of ingresses) {
    for (const { host = "", http } of ingress.spec.rules ?? []) {
      const one = server(host, [rest(ingress)]);
      if (!one.ingresses.includes(ingress)) one.ingresses.push(ingress);
      for (const { path, pathType, backend } of http?.paths ?? []) {
        if (!backend.service) continue;
        const added: Location = {
          path: path === undefined || path === "" ? "/" : path,
          isExact: pathType === "Exact",
          ingress,
          service: backend.service,
          isDefault: false,
        };
        const taken = one.locations.findIndex(
          (other) => other.path === added.path && other.isExact === added.isExact,
        );
        if (taken < 0) one.locations.push(added);
        else if (one.locations[taken]!.isDefault) one.locations[taken] = added;
      }
    }
  }
  return [...servers.values()];
}

function rest(ingress: IngressObject): Location {
  return {
    path: "/",
    isExact: false,
    ingress,
    service: ingress.spec.defaultBackend?.service,
    isDefault: true,
  };
}

/** Prefixes stand twice: with a slash at the end and, where nothing else is exactly that, for the path itself. */
export function expanded(locations: readonly Location[]): Location[] {
  const sorted = locations
    .toSorted((a, b) => (a.path < b.path ? 1 : a.path > b.path ? -1 : 0))
    .sort((a, b) => b.path.length - a.path.length);
  return sorted.flatMap((location) => {
    const { path, isExact, ingress } = location;
    if (path === "/" || isExact || needsRewrite(location) || isOn(ingress, "use-regex")) return [location];
    const withSlash = { ...location, path: path.endsWith("/") ? path : `${path}/` };
    if (locations.some((other) => other.isExact && other.path === path)) return [withSlash];
    return [withSlash, { ...location, isExact: true }];
  });
}

export function needsRewrite({ ingress, path }: Location): boolean {
  const target = annotation(ingress, "rewrite-target");
  return target !== "" && target !== path;
}

export function enforcesRegex({ locations }: Server): boolean {
  return locations.some((location) => needsRewrite(location) || isOn(location.ingress, "use-regex"));
}
