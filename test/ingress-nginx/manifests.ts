// A state of a test → its manifests, with Services whose endpoints are pods of this machine.
import type { IngressShape, State } from "./upstream-test.ts";

const prefix = "nginx.ingress.kubernetes.io/";

/** PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export interface ManifestOptions {
  readonly pods: ReadonlyMap<string, number>;
  readonly keyPair: KeyPair;
}

/** Names of the pods that a state needs. */
export function podsOf(state: State): string[] {
  return servicesOf(state).flatMap((service) => replicasOf(service, state));
}

function replicasOf(service: string, { replicas = 1 }: State): string[] {
  return Array.from({ length: replicas }, (_, index) => (index === 0 ? service : `${service}-${index + 1}`));
}

export function manifestsOf(state: State, options: ManifestOptions): string {
  const { settings, objects = [], ingresses } = state;
  const has = (kind: string, name: string): boolean =>
    objects.some((object) => {
      const found = object as { readonly kind: string; readonly metadata: { readonly name: string } };
      return found.kind === kind && found.metadata.name === name;
    });
  const namespaces = new Set(["default", ...ingresses.map(({ namespace = "default" }) => namespace)]);
  const made = [
    ...ingresses.map((ingress) => ingressOf(ingress, state)),
    ...[...namespaces].flatMap((namespace) =>
      servicesOf(state)
        .filter((name) => !has("Service", name))
        .flatMap((name) => serviceOf(name, namespace, state, options)),
    ),
    ...secretsOf(state)
      .filter((name) => !has("Secret", name))
      .map((name) => tlsSecret(name, options.keyPair)),
    ...(settings ? [configMap("ingress-nginx-controller", settings, "ingress-nginx")] : []),
    ...objects,
  ];
  return made.map((object) => JSON.stringify(object)).join("\n---\n");
}

function servicesOf({ ingresses, missing = [] }: State): string[] {
  const named = ingresses.flatMap(({ service = "echo", defaultBackend, annotations = {} }) => [
    service,
    ...(defaultBackend ? [defaultBackend] : []),
    ...(annotations["default-backend"] ? [annotations["default-backend"]] : []),
  ]);
  return [...new Set(["echo", ...named])].filter((name) => !missing.includes(name));
}

function secretsOf({ ingresses, missing = [] }: State): string[] {
  const named = ingresses.flatMap(({ tls }) => tls?.[0] ?? []);
  return [...new Set(named)].filter((name) => !missing.includes(name));
}

function ingressOf(shape: IngressShape, state: State): object {
  const { name = "main", namespace = "default", service = "echo", port = 80, tls, paths = ["/"] } = shape;
  const { host = state.host, annotations = {}, classAnnotation, className, defaultBackend } = shape;
  const backendOf = (serviceName: string) => ({
    service: { name: serviceName, port: typeof port === "number" ? { number: port } : { name: port } },
  });
  const http = {
    paths: paths.map((path) => ({
      ...(typeof path === "string" ? { path, pathType: "Prefix" } : path),
      backend: backendOf(service),
    })),
  };
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: {
      name,
      namespace,
      annotations: {
        ...(classAnnotation && { "kubernetes.io/ingress.class": classAnnotation }),
        ...Object.fromEntries(Object.entries(annotations).map(([key, value]) => [prefix + key, value])),
      },
    },
    spec: {
      ...(className && { ingressClassName: className }),
      ...(defaultBackend && { defaultBackend: backendOf(defaultBackend) }),
      ...(tls && { tls: [{ hosts: tls, secretName: tls[0] }] }),
      ...((paths.length > 0 || host !== "") && {
        rules: [{ ...(host && { host }), ...(paths.length > 0 && { http }) }],
      }),
    },
  };
}

function serviceOf(
  name: string,
  namespace: string,
  state: State,
  { pods }: Pick<ManifestOptions, "pods">,
): object[] {
  const endpoints = replicasOf(name, state).map((pod) => pods.get(pod)!);
  return [
    core("Service", name, { spec: { clusterIP: "127.0.0.1", ports: [{ port: 80 }] } }, namespace),
    ...endpoints.map((port, index) => ({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: `${name}-${index}`, namespace, labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      ports: [{ port }],
      endpoints: [{ addresses: ["127.0.0.1"] }],
    })),
  ];
}

export function core(kind: string, name: string, fields: object, namespace = "default"): object {
  return { apiVersion: "v1", kind, metadata: { name, namespace }, ...fields };
}

export function configMap(
  name: string,
  data: Readonly<Record<string, string>>,
  namespace = "default",
): object {
  return core("ConfigMap", name, { data }, namespace);
}

export function secret(name: string, stringData: Readonly<Record<string, string>>): object {
  return core("Secret", name, { stringData });
}

function tlsSecret(name: string, { cert, key }: KeyPair): object {
  return secret(name, { "tls.crt": cert, "tls.key": key });
}
