// One namespace's broken or hostile objects never change what is served of another's.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Snapshot } from "#contract/snapshot.ts";
import { loadConfig } from "../load.ts";

const namespaces = ["a", "b", "c"] as const;
type Namespace = (typeof namespaces)[number];

interface Owned {
  readonly namespace: Namespace;
  /** Of one id there is one object in a cluster. */
  readonly id: string;
  readonly text: string;
}

const age = fc.constantFrom(
  "",
  ", creationTimestamp: 2026-01-01T00:00:00Z",
  ", creationTimestamp: 2026-02-01T00:00:00Z",
);

/** Routes of a namespace have hosts of their own; everything else may collide with what others have. */
const arbitraryRoute = (namespace: Namespace): fc.Arbitrary<Owned> =>
  fc
    .record({
      kind: fc.constantFrom("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute"),
      name: fc.constantFrom("one", "two", "three"),
      age,
      host: fc.constantFrom(`${namespace}.example.org`, `x.${namespace}.example.org`),
      parent: fc.constantFrom("shared", "shared, sectionName: http", "gone"),
      service: fc.constantFrom("web", "missing"),
      owner: fc.constantFrom(...namespaces),
    })
    .map(({ kind, name, age: created, host, parent, service, owner }) => ({
      namespace,
      id: `${kind} ${namespace} ${name}`,
      text: `apiVersion: gateway.networking.k8s.io/v1
kind: ${kind}
metadata: { name: ${name}, namespace: ${namespace}${created} }
spec:
  parentRefs: [{ namespace: infra, name: ${parent} }]
${kind === "TCPRoute" ? "" : `  hostnames: [${host}]`}
  rules: [{ backendRefs: [{ name: ${service}, namespace: ${owner}, port: 80 }] }]
`,
    }));

const arbitraryGateway = (namespace: Namespace): fc.Arbitrary<Owned> =>
  fc
    .record({
      protocol: fc.constantFrom("HTTP", "TCP", "UDP"),
      port: fc.constantFrom(80, 443, 8080),
      host: fc.constantFrom("", `, hostname: "*.example.org"`, `, hostname: a.example.org`),
    })
    .map(({ protocol, port, host }) => ({
      namespace,
      id: `Gateway ${namespace}`,
      text: `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: own, namespace: ${namespace}, creationTimestamp: 2026-03-01T00:00:00Z }
spec:
  gatewayClassName: isthmus
  listeners: [{ name: l, port: ${port}, protocol: ${protocol}${protocol === "HTTP" ? host : ""} }]
`,
    }));

const targets = [
  "targetRefs: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, name: one }]",
  "targetRefs: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, name: two, sectionName: r }]",
  "targetRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, name: own }]",
  "targetRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, name: shared }]",
  "targetSelectors: [{ kind: HTTPRoute, namespaces: { from: All } }]",
  "targetSelectors: [{ kind: Gateway, namespaces: { from: All } }]",
];

const specs = {
  BackendTrafficPolicy: [
    "timeout: { http: { requestTimeout: 1s } }",
    "rateLimit: { global: { rules: [{ shared: true, limit: { requests: 1, unit: Hour } }] } }",
    "loadBalancer: { type: Random }",
  ],
  SecurityPolicy: [
    "authorization: { defaultAction: Deny }",
    "basicAuth: { users: { name: gone } }",
    "oidc: { clientID: a }",
    "cors: { allowOrigins: [nonsense] }",
  ],
  ClientTrafficPolicy: [
    "clientIPDetection: { xForwardedFor: { numTrustedHops: 1 } }",
    "tls: { clientValidation: { caCertificateRefs: [{ name: gone }] } }",
  ],
};

/** Envoy Gateway's, which reach into other namespaces as far as somebody there lets them: nobody does. */
const arbitraryPolicy = (namespace: Namespace): fc.Arbitrary<Owned> =>
  fc
    .record({
      policy: fc.constantFrom(
        ...Object.entries(specs).flatMap(([kind, all]) => all.map((spec) => ({ kind, spec }))),
      ),
      name: fc.constantFrom("one", "two", "three"),
      age,
      target: fc.constantFrom(...targets),
    })
    .map(({ policy: { kind, spec }, name, age: created, target }) => ({
      namespace,
      id: `${kind} ${namespace} ${name}`,
      text: `apiVersion: gateway.envoyproxy.io/v1alpha1
kind: ${kind}
metadata: { name: ${name}, namespace: ${namespace}${created} }
spec:
  ${target}
  ${spec}
`,
    }));

const arbitraryObjects = fc
  .tuple(
    ...namespaces.map((namespace) =>
      fc.uniqueArray(
        fc.oneof(
          { weight: 2, arbitrary: arbitraryRoute(namespace) },
          { weight: 1, arbitrary: arbitraryGateway(namespace) },
          { weight: 2, arbitrary: arbitraryPolicy(namespace) },
        ),
        {
          maxLength: 6,
          selector: ({ id }) => id,
        },
      ),
    ),
  )
  .map((lists) => lists.flat());

const infra = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: shared, namespace: infra, creationTimestamp: 2025-01-01T00:00:00Z }
spec:
  gatewayClassName: isthmus
  listeners:
    - { name: http, port: 80, protocol: HTTP, allowedRoutes: { namespaces: { from: All } } }
    - { name: tls, port: 443, protocol: TLS, tls: { mode: Passthrough }, allowedRoutes: { namespaces: { from: All } } }
${namespaces.map((namespace) => `---\napiVersion: v1\nkind: Service\nmetadata: { name: web, namespace: ${namespace} }\nspec: { ports: [{ port: 80 }] }\n`).join("")}`;

/** What of the objects is broken, each in another way; only the first ones break Gateways, too. */
const gatewayBreakages = 3;
const breakages: readonly ((text: string) => string)[] = [
  (text) => text.replace("spec:", "spec:\n  unknown: 1"),
  (text) => text.replace("port: 80", "port: eighty"),
  (text) => text.replace(/gateway\.networking\.k8s\.io\/v1/, "gateway.networking.k8s.io/v9"),
  (text) =>
    text.replace("rules: [{", 'rules: [{ matches: [{ path: { type: RegularExpression, value: "(" } }],'),
  (text) =>
    text
      .replace(/name: (?:one|two|three|own),/, `name: ${"x".repeat(64)},`)
      .replace("parentRefs:", "parents:"),
];

function serve(objects: readonly Owned[]): Snapshot {
  const content = [infra, ...objects.map(({ text }) => text)].join("---\n");
  const { snapshot, diagnostics } = loadConfig([{ name: "f.yaml", content }], { isolate: true });
  if (!snapshot) throw new Error(JSON.stringify(diagnostics));
  return snapshot;
}

/** Routes and listeners of a namespace, and the backends of its Services. */
function partOf(
  { listeners, routes, tcpRoutes, tlsRoutes, backends }: Snapshot,
  namespace: Namespace,
): string {
  const own = <T extends { readonly name: string }>(list: readonly T[] = []) =>
    list.filter(({ name }) => new RegExp(`^(?:[a-z]+route/)?${namespace}/`).test(name));
  return JSON.stringify(
    [own(listeners), own(routes), own(tlsRoutes), own(backends), tcpRoutes?.length ?? 0],
    undefined,
    1,
  );
}

test("breaking an object leaves what is served of other namespaces as it was", () => {
  fc.assert(
    fc.property(
      arbitraryObjects.filter((objects) => objects.length > 0),
      fc.nat(),
      fc.nat(breakages.length - 1),
      (objects, pick, way) => {
        const index = pick % objects.length;
        const victim = objects[index]!;
        fc.pre(way < gatewayBreakages || !victim.id.startsWith("Gateway"));
        fc.pre(breakages[way]!(victim.text) !== victim.text);
        const broken = objects.map((object, at) =>
          at === index ? { ...object, text: breakages[way]!(object.text) } : object,
        );
        // What is broken counts as not there; so compare with a world without it.
        const before = serve(objects.filter((_, at) => at !== index));
        const after = serve(broken);
        for (const namespace of namespaces) {
          if (namespace !== victim.namespace)
            expect(partOf(after, namespace)).toBe(partOf(before, namespace));
        }
      },
    ),
    { numRuns: 150 },
  );
}, 60_000);

test("nothing that another namespace adds changes routes whose hosts are their own", () => {
  fc.assert(
    fc.property(arbitraryObjects, fc.constantFrom(...namespaces), (objects, owner) => {
      const alone = serve(objects.filter(({ namespace }) => namespace === owner));
      const together = serve(objects);
      const mine = (snapshot: Snapshot) =>
        snapshot.routes
          .filter(({ name }) => name.includes(`/${owner}/`))
          .map((route) => JSON.stringify(route));
      // A listener of a stranger on the same port would take requests away before any route is asked.
      const onSharedPorts = together.listeners.filter(({ port }) => port === 80 || port === 443);
      expect(onSharedPorts.map(({ name }) => name)).toEqual(["infra/shared/http", "infra/shared/tls"]);
      // Backends of others may be referred to without a grant, which never becomes more than a 500.
      expect(mine(together)).toEqual(mine(alone));
    }),
    { numRuns: 150 },
  );
}, 60_000);

test("of more listeners than there may be, the youngest objects are left out", () => {
  const gateway = (name: string, month: number): string => `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: ${name}, namespace: ${name}, creationTimestamp: 2026-0${month}-01T00:00:00Z }
spec:
  gatewayClassName: isthmus
  listeners:
${Array.from({ length: 64 }, (_, index) => `    - { name: l${index}, protocol: HTTP, port: ${month * 1_000 + index} }\n`).join("")}`;
  const names = ["young", "old", "older", "oldest", "youngest", "middle"];
  const months = [5, 3, 2, 1, 6, 4];
  const gateways = names.map((name, index) => gateway(name, months[index]!));
  const gatewayClass =
    "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: { name: isthmus }\nspec: { controllerName: isthmus.dev/gateway-controller }\n";
  const files = [{ name: "all.yaml", content: [gatewayClass, ...gateways].join("---\n") }];
  const refused = loadConfig(files);
  expect(refused.snapshot).toBeUndefined();
  const errors = refused.diagnostics.filter(({ severity }) => severity === "error");
  expect(errors).toMatchObject([{ code: "limit-exceeded", file: "all.yaml" }]);
  expect(errors[0]!.path).toContain("young");
  const { snapshot } = loadConfig(files, { isolate: true });
  expect(snapshot?.listeners).toHaveLength(256);
  expect(new Set(snapshot?.listeners.map(({ port }) => Math.floor(port / 1_000)))).toEqual(
    new Set([1, 2, 3, 4]),
  );
});

test("Services with many ports leave the listeners to the Gateways of others", () => {
  const ports = (first: number): string =>
    Array.from({ length: 20 }, (_, index) => `{ name: p${index}, port: ${first + index} }`).join(", ");
  const route = (name: string, first: number): string => `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name}, namespace: a }
spec:
  parentRefs: [{ group: "", kind: Service, name: ${name} }]
  rules: [{ backendRefs: [{ name: ${name}, port: ${first} }] }]
---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: a }
spec: { ports: [${ports(first)}] }
`;
  const content = [infra, ...["one", "two", "three"].map((name, at) => route(name, 1_000 + at * 100))];
  const { snapshot, diagnostics } = loadConfig([{ name: "f.yaml", content: content.join("---\n") }]);
  const names = snapshot!.listeners.map(({ name }) => name);
  expect(names.filter((name) => name.startsWith("infra/"))).toHaveLength(2);
  // The second by name is "three".
  expect(names.filter((name) => name.startsWith("mesh/"))).toHaveLength(20);
  expect(diagnostics.filter(({ code }) => code === "route-not-accepted")).toHaveLength(2);
});
