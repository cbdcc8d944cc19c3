// The table as manifests: an Ingress with a Service and endpoints of its own for each sample.
import type { Row, Rows, Sample } from "./row.ts";

/** A sample with the name that its Ingress, its Service and its host have. */
export interface NamedSample extends Sample {
  readonly annotation: string;
  readonly id: string;
}

export function samplesOf(rows: Rows): NamedSample[] {
  return Object.entries(rows).flatMap(([annotation, { samples }]) =>
    samples.map((sample, index) => ({ ...sample, annotation, id: `${annotation}-${index}` })),
  );
}

export function hostOf({ id }: NamedSample): string {
  return `${id}.test`;
}

export function manifestsOf(sample: NamedSample): object[] {
  const { annotation, id, value, onCanary, canary } = sample;
  const own = { [annotation]: value };
  const main = { ...sample.with, ...(!onCanary && own) };
  const hasCanary = onCanary || canary !== undefined;
  const second = { canary: "true", ...canary, ...(onCanary && own) };
  return [
    ingressOf(id, main, sample),
    service(id, "10.9.9.9"),
    endpointsOf(id, sample.withoutEndpoints ? [] : ["10.0.0.1", "10.0.0.2", "10.0.0.3"]),
    ...(hasCanary ? [ingressOf(`${id}-canary`, second, sample), service(`${id}-canary`, "10.9.9.8")] : []),
  ];
}

/** The Ingress of a value that is refused. */
export function refusedManifests(annotation: string, value: string, { beside = {} }: Row): object[] {
  const sample = { annotation, id: "refused", value, with: beside };
  return manifestsOf(sample);
}

function ingressOf(name: string, annotations: Readonly<Record<string, string>>, sample: NamedSample): object {
  const { paths = ["/"], tls } = sample;
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: {
      name,
      annotations: Object.fromEntries(
        Object.entries(annotations).map(([key, value]) => [`nginx.ingress.kubernetes.io/${key}`, value]),
      ),
    },
    spec: {
      ...(tls && { tls: [{ hosts: [hostOf(sample)] }] }),
      rules: [
        {
          host: hostOf(sample),
          http: {
            paths: paths.map((path) => ({
              path,
              pathType: path === "/" ? "Prefix" : "ImplementationSpecific",
              backend: { service: { name, port: { number: 80 } } },
            })),
          },
        },
      ],
    },
  };
}

function service(name: string, clusterIP: string): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { clusterIP, selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] },
  };
}

function endpointsOf(name: string, addresses: readonly string[]): object {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${name}-1`, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [{ port: 8080 }],
    endpoints: addresses.map((address) => ({ addresses: [address] })),
  };
}

/** What samples refer to. `ca`: an authority's certificate, PEM. */
export function commonManifests(ca: string): object[] {
  const ann = "{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=";
  const named = (kind: string, name: string, fields: object): object => ({
    apiVersion: "v1",
    kind,
    metadata: { name },
    ...fields,
  });
  return [
    service("pages", "10.9.9.7"),
    named("Secret", "users", { data: { auth: btoa(`ann:${ann}`) } }),
    named("Secret", "users-map", { data: { ann: btoa(ann) } }),
    named("Secret", "authorities", { data: { "ca.crt": btoa(ca) } }),
    named("ConfigMap", "headers", { data: { "X-Custom": "one" } }),
    named("ConfigMap", "asking", { data: { "X-Team": "blue" } }),
  ];
}
