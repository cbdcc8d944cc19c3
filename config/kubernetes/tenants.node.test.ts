// Objects of every kind that is read, in one cluster: whatever another namespace has, spoilt copies of a namespace's own objects
// among them, and texts that are no YAML, a namespace's requests go where they went, to the same endpoints, under the same
// policies. The tests of each format go deeper into its own conflicts.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { compileMatcher } from "#traffic/match/matcher.ts";
import type { Snapshot } from "#contract/snapshot.ts";
import { loadConfig } from "../load.ts";
import { coreKinds } from "./core-kinds.ts";
import { importers } from "./importers.ts";

/** Of the administrators. */
const cluster = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: isthmus, creationTimestamp: "2020-01-01T00:00:00Z" }
spec: { controllerName: isthmus.dev/gateway-controller }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: shared, namespace: infra, creationTimestamp: "2020-01-01T00:00:00Z" }
spec:
  gatewayClassName: isthmus
  listeners: [{ name: http, port: 8080, protocol: HTTP, allowedRoutes: { namespaces: { from: All } } }]
`;

const shop = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { selector: { app: web }, ports: [{ name: http, port: 80 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: web-1, namespace: shop, labels: { kubernetes.io/service-name: web } }
addressType: IPv4
ports: [{ name: http, port: 8080 }]
endpoints: [{ addresses: [10.0.0.1] }]
---
apiVersion: v1
kind: Secret
metadata: { name: users, namespace: shop }
stringData: { auth: "ann:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=", .htpasswd: "ann:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=" }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: headers, namespace: shop }
data: { X-Custom: one }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  namespace: shop
  creationTimestamp: "2020-01-01T00:00:00Z"
  annotations:
    nginx.ingress.kubernetes.io/auth-type: basic
    nginx.ingress.kubernetes.io/auth-secret: users
    nginx.ingress.kubernetes.io/custom-headers: shop/headers
spec:
  rules:
    - host: ingress.shop.test
      http:
        paths: [{ path: /, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: web, namespace: shop, creationTimestamp: "2020-01-01T00:00:00Z" }
spec:
  parentRefs: [{ name: shared, namespace: infra }]
  hostnames: [route.shop.test]
  rules: [{ backendRefs: [{ name: web, port: 80 }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: { name: calls, namespace: shop, creationTimestamp: "2020-01-01T00:00:00Z" }
spec:
  parentRefs: [{ name: shared, namespace: infra }]
  hostnames: [calls.shop.test]
  rules: [{ backendRefs: [{ name: web, port: 80 }] }]
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: SecurityPolicy
metadata: { name: web, namespace: shop, creationTimestamp: "2020-01-01T00:00:00Z" }
spec:
  targetRefs: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, name: web }]
  basicAuth: { users: { name: users } }
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: BackendTrafficPolicy
metadata: { name: web, namespace: shop, creationTimestamp: "2020-01-01T00:00:00Z" }
spec:
  targetRefs: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, name: web }]
  timeout: { http: { requestTimeout: 7s } }
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: { name: web, namespace: shop, creationTimestamp: "2020-01-01T00:00:00Z" }
spec:
  targetRefs: [{ group: "", kind: Service, name: other }]
  validation: { hostname: web.shop.test, wellKnownCACertificates: System }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: own, namespace: shop, creationTimestamp: "2020-01-01T00:00:00Z" }
spec:
  selector: { istio: ingressgateway }
  servers: [{ port: { number: 8081, name: http, protocol: HTTP }, hosts: [shop/mesh.shop.test] }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web, namespace: shop, creationTimestamp: "2020-01-01T00:00:00Z" }
spec:
  hosts: [mesh.shop.test]
  gateways: [own]
  http: [{ route: [{ destination: { host: web.shop.svc.cluster.local, port: { number: 80 } } }], timeout: 3s }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: web, namespace: shop, creationTimestamp: "2020-01-01T00:00:00Z" }
spec:
  host: web.shop.svc.cluster.local
  trafficPolicy: { loadBalancer: { simple: RANDOM } }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: web, namespace: shop, creationTimestamp: "2020-01-01T00:00:00Z" }
spec:
  selector: { matchLabels: { app: web } }
  action: DENY
  rules: [{ to: [{ operation: { paths: [/admin] } }] }]
---
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: web, namespace: shop, creationTimestamp: "2020-01-01T00:00:00Z" }
spec:
  selector: { matchLabels: { app: nobody } }
  jwtRules: [{ issuer: i, jwksUri: "https://i.test/jwks" }]
`;

type Value = Record<string, unknown>;
const templates: Value[] = [
  ...parseAllDocuments(shop).map((one) => one.toJS() as Value),
  ...parseAllDocuments(cluster).map((one) => one.toJS() as Value),
];

/** A kind of which the namespace has none is an object with whatever fields. */
const bare = [...coreKinds, ...importers.flatMap(({ kinds }) => kinds)]
  .filter(({ namespaced }) => namespaced)
  .map(({ group, versions, kind }): Value => {
    const apiVersion = group === "" ? versions[0]! : `${group}/${versions[0]}`;
    return { apiVersion, kind, metadata: { name: "web" }, spec: {} };
  });

const junk: fc.Arbitrary<unknown> = fc.constantFrom<unknown>(
  null,
  -1,
  true,
  "",
  "*",
  "web",
  "shop",
  "ingress.shop.test",
  "route.shop.test",
  "mesh.shop.test",
  "web.shop.svc.cluster.local",
  "shop/own",
  [],
  {},
  [null],
  [{}],
);

interface Change {
  /** Which way is taken at each level. */
  readonly steps: readonly number[];
  readonly how: "replace" | "remove" | "repeat";
  readonly value: unknown;
}

const change: fc.Arbitrary<Change> = fc.record({
  steps: fc.array(fc.nat(7), { minLength: 1, maxLength: 7 }),
  how: fc.constantFrom("replace", "remove", "repeat"),
  value: junk,
});

function changed(whole: unknown, { steps, how, value }: Change): unknown {
  const [step = 0, ...rest] = steps;
  if (whole === null || typeof whole !== "object" || Object.keys(whole).length === 0) return value;
  const copy = structuredClone(whole) as Value | unknown[];
  const keys = Object.keys(copy);
  const key = keys[step % keys.length]!;
  const at = copy as Value;
  if (rest.length > 0) at[key] = changed(at[key], { steps: rest, how, value });
  else if (how === "remove") delete at[key];
  else if (how === "repeat" && Array.isArray(copy)) copy.push(at[key]);
  else at[key] = value;
  return Array.isArray(copy) ? copy.filter((one) => one !== undefined) : copy;
}

/** Its kind, name and namespace stay, so that it is still an object of that namespace. */
const hostileObject: fc.Arbitrary<string> = fc
  .record({
    template: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...templates) },
      { weight: 1, arbitrary: fc.constantFrom(...bare) },
    ),
    // Mostly the one that others refer to.
    rename: fc.option(fc.constantFrom("web", "own", "shared", "users"), { freq: 2 }),
    changes: fc.array(change, { maxLength: 2 }),
    usesOwnGateway: fc.boolean(),
  })
  .map(({ template, rename, changes, usesOwnGateway }) => {
    const { apiVersion, kind, metadata, ...fields } = template;
    const body = changes.reduce<unknown>(changed, fields) as Value;
    const { creationTimestamp: _age, ...kept } = metadata as Value;
    const object = {
      ...body,
      apiVersion,
      kind,
      metadata: { ...kept, ...(rename && { name: rename }), namespace: "evil" },
    };
    const text = JSON.stringify(object);
    return usesOwnGateway ? text.replaceAll('"shop/mesh.shop.test"', '"*"') : text;
  });

/** What somebody has left half written. */
const brokenText: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom("Ingress", "HTTPRoute", "VirtualService", "Service"),
    fc.constantFrom(
      "spec: [",
      "spec: { a: b",
      '\tspec: "',
      "a: b: c",
      "- x\nspec: {}",
      "spec: *gone",
      "? [\n",
    ),
  )
  .map(
    ([kind, rest]) => `apiVersion: v1\nkind: ${kind}\nmetadata:\n  name: web\n  namespace: evil\n${rest}\n`,
  );

const asked = ["ingress.shop.test", "route.shop.test", "calls.shop.test", "mesh.shop.test"].flatMap((host) =>
  ["/", "/admin", "/pkg.Service/Method"].map((path) => ({ host, path })),
);

function load(files: readonly string[], others = shop): Snapshot {
  const sources = [cluster, others, ...files].map((content, index) => ({ name: `${index}.yaml`, content }));
  const { snapshot, diagnostics } = loadConfig(sources, { isolate: true });
  if (!snapshot) throw new Error(JSON.stringify(diagnostics.filter(({ severity }) => severity === "error")));
  return snapshot;
}

interface Asked {
  readonly listener: string;
  readonly host: string;
  readonly path: string;
}

/** For each request the rule that takes it, with its backends; `undefined`: none. */
function servedBy(snapshot: Snapshot, requests: readonly Asked[]): unknown[] {
  const matcher = compileMatcher(snapshot);
  return requests.map(({ listener, host, path }) => {
    const header = (name: string): string | null =>
      name === "host" ? host : name === "content-type" ? "application/grpc" : null;
    const head = { host, path, method: "POST", query: "", clientAddress: "192.0.2.1", claims: {}, header };
    const matched = matcher.match(listener, head);
    if (!matched) return undefined;
    const { id: _id, priority: _priority, ...rule } = matched.rule;
    const backends = rule.backendRefs.map(({ backend }) =>
      snapshot.backends.find(({ name }) => name === backend),
    );
    return { route: matched.route.securityPolicy, rule, backends };
  });
}

test("nothing that another namespace has changes what becomes of a namespace's requests", () => {
  const alone = load([]);
  const all = alone.listeners.flatMap(({ name: listener }) => asked.map((one) => ({ listener, ...one })));
  // What nobody takes, others may.
  const own = all.filter((one) => servedBy(alone, [one])[0] !== undefined);
  const before = servedBy(alone, own);
  expect(own.map(({ host }) => host)).toEqual(
    expect.arrayContaining(["ingress.shop.test", "route.shop.test", "calls.shop.test", "mesh.shop.test"]),
  );
  let more = 0;
  fc.assert(
    fc.property(
      fc.array(hostileObject, { minLength: 1, maxLength: 6 }),
      fc.option(brokenText, { nil: "" }),
      fc.constantFrom("in a file of its own", "before", "behind"),
      (objects, broken, place) => {
        const evil = objects.join("\n---\n");
        const snapshot =
          place === "in a file of its own" || broken === ""
            ? load([evil, ...(broken === "" ? [] : [broken])])
            : load([evil], (place === "before" ? [broken, shop] : [shop, broken]).join("\n---\n"));
        if (snapshot.routes.length > alone.routes.length) more += 1;
        expect(servedBy(snapshot, own)).toEqual(before);
      },
    ),
    { numRuns: 100 },
  );
  // Some of it is good enough to be served.
  expect(more).toBeGreaterThan(5);
});
