// What `diff` says of traffic between two formats, against brute force: small routing tables, written in every format, and each
// request looked up in the tables themselves.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { ExplainedRequest } from "#traffic/explain/request-entry.ts";
import { compareTraffic } from "#traffic/explain/traffic-diff.ts";
import type { Snapshot } from "#contract/snapshot.ts";
import { loadConfig } from "./load.ts";

const hosts = ["a.test", "b.test"] as const;
/** Longest first: of a path the first prefix counts that has its elements. */
const prefixes = ["/x/y", "/x", "/z", "/"] as const;
const paths = ["/", "/x", "/x/", "/xy", "/x/y", "/x/y/z", "/x/yy", "/z", "/z/x", "/other"];

interface Entry {
  readonly host: string;
  readonly prefix: string;
  /** Number of the Service; it has the endpoint 10.0.0.N:8080. */
  readonly service: number;
}

/** Each host has an entry for `/`: what nothing takes is answered otherwise in each format. */
const table = fc
  .tuple(...hosts.map(() => fc.tuple(...prefixes.map(() => fc.integer({ min: 0, max: 3 })))))
  .map((all) =>
    all.flatMap((numbers, index) =>
      numbers.flatMap((number, at): Entry[] => {
        const prefix = prefixes[at]!;
        const service = prefix === "/" ? Math.max(1, number) : number;
        return service === 0 ? [] : [{ host: hosts[index]!, prefix, service }];
      }),
    ),
  );

function serviceOf(entries: readonly Entry[], host: string, path: string): number | undefined {
  const own = entries.filter((entry) => entry.host === host);
  return own.find(({ prefix }) => prefix === "/" || path === prefix || path.startsWith(`${prefix}/`))
    ?.service;
}

const entriesOf = (entries: readonly Entry[], host: string): Entry[] =>
  entries.filter((one) => one.host === host);
const documents = (objects: readonly object[]): string =>
  objects.map((one) => JSON.stringify(one)).join("\n---\n");

const services = [1, 2, 3].flatMap((number) => [
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: `s${number}` },
    spec: { selector: { app: `s${number}` }, ports: [{ name: "http", port: 80 }] },
  },
  {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `s${number}-1`, labels: { "kubernetes.io/service-name": `s${number}` } },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8080 }],
    endpoints: [{ addresses: [`10.0.0.${number}`] }],
  },
]);

const writers: Readonly<Record<string, (entries: readonly Entry[]) => string>> = {
  native: (entries) =>
    JSON.stringify({
      listeners: [{ name: "web", protocol: "HTTP", port: 80 }],
      routes: hosts.map((host) => ({
        name: host,
        hostnames: [host],
        rules: entriesOf(entries, host).map(({ prefix, service }) => ({
          matches: [{ path: { value: prefix } }],
          backendRefs: [{ name: `b${service}` }],
        })),
      })),
      backends: [1, 2, 3].map((number) => ({
        name: `b${number}`,
        endpoints: [{ address: `10.0.0.${number}`, port: 8080 }],
      })),
    }),
  haproxy: (entries) =>
    [
      "defaults\n  mode http\nfrontend web\n  bind :80",
      ...entries.map(({ host, prefix, service }) => {
        const named = `{ hdr(host),host_only -i ${host} }`;
        const below = `${named} { path_beg ${prefix.replace(/\/?$/, "/")} }`;
        return `  use_backend b${service} if ${prefix === "/" ? below : `${named} { path ${prefix} } or ${below}`}`;
      }),
      ...[1, 2, 3].map((number) => `backend b${number}\n  server s 10.0.0.${number}:8080`),
      "",
    ].join("\n"),
  Ingress: (entries) =>
    documents([
      ...services,
      {
        apiVersion: "networking.k8s.io/v1",
        kind: "Ingress",
        metadata: { name: "web" },
        spec: {
          rules: hosts.map((host) => ({
            host,
            http: {
              paths: entriesOf(entries, host).map(({ prefix, service }) => ({
                path: prefix,
                pathType: "Prefix",
                backend: { service: { name: `s${service}`, port: { number: 80 } } },
              })),
            },
          })),
        },
      },
    ]),
  "Gateway API": (entries) =>
    documents([
      ...services,
      {
        apiVersion: "gateway.networking.k8s.io/v1",
        kind: "Gateway",
        metadata: { name: "web" },
        spec: { gatewayClassName: "isthmus", listeners: [{ name: "http", protocol: "HTTP", port: 80 }] },
      },
      ...hosts.map((host) => ({
        apiVersion: "gateway.networking.k8s.io/v1",
        kind: "HTTPRoute",
        metadata: { name: host },
        spec: {
          parentRefs: [{ name: "web" }],
          hostnames: [host],
          rules: entriesOf(entries, host).map(({ prefix, service }) => ({
            matches: [{ path: { type: "PathPrefix", value: prefix } }],
            backendRefs: [{ name: `s${service}`, port: 80 }],
          })),
        },
      })),
    ]),
  Istio: (entries) =>
    documents([
      ...services,
      {
        apiVersion: "networking.istio.io/v1",
        kind: "Gateway",
        metadata: { name: "web" },
        spec: {
          selector: { istio: "ingressgateway" },
          servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: [...hosts] }],
        },
      },
      ...hosts.map((host) => ({
        apiVersion: "networking.istio.io/v1",
        kind: "VirtualService",
        metadata: { name: host },
        spec: {
          hosts: [host],
          gateways: ["web"],
          http: entriesOf(entries, host).map(({ prefix, service }) => ({
            match:
              prefix === "/"
                ? [{ uri: { prefix } }]
                : [{ uri: { exact: prefix } }, { uri: { prefix: `${prefix}/` } }],
            route: [{ destination: { host: `s${service}`, port: { number: 80 } } }],
          })),
        },
      })),
    ]),
};

function load(format: string, entries: readonly Entry[]): Snapshot {
  const name = format === "haproxy" ? "haproxy.cfg" : `${format}.yaml`;
  const { snapshot, diagnostics } = loadConfig([{ name, content: writers[format]!(entries) }]);
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  return snapshot!;
}

const world: ExplainedRequest[] = hosts.flatMap((host) =>
  paths.map((path) => ({
    method: "GET",
    url: new URL(`http://${host}/`),
    target: path,
    headers: new Map(),
    peerAddress: "192.0.2.1",
  })),
);
const sample = world.map((request) => ({ request, count: 1 }));

const formats = Object.keys(writers);
const pairs = formats.flatMap((from) => formats.map((to) => [from, to] as const));

test.each(pairs)("%s -> %s", (from, to) => {
  fc.assert(
    fc.property(table, table, (before, after) => {
      const moved = world.filter(
        ({ url, target }) =>
          serviceOf(before, url.hostname, target) !== serviceOf(after, url.hostname, target),
      );
      const { elsewhere, changes } = compareTraffic(load(from, before), load(to, after), sample);
      expect({ elsewhere, changes }).toMatchObject({ elsewhere: moved.length });
      // Each group goes from one Service to another, and they are those of the tables.
      const groups = Map.groupBy(moved, ({ url, target }) =>
        [before, after].map((side) => `100 % (10.0.0.${serviceOf(side, url.hostname, target)}:8080)`).join(),
      );
      expect(changes.map((one) => [`${one.before},${one.after}`, one.count]).toSorted()).toEqual(
        [...groups].map(([text, requests]) => [text, requests.length]).toSorted(),
      );
    }),
    { numRuns: 10 },
  );
});
