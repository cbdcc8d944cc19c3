// Objects of every kind with random, often senseless fields: nothing throws, and nothing of one namespace changes where
// another's requests go or who may pass there.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { compileAuthorization } from "#traffic/access/authorization.ts";
import { compileMatcher } from "#traffic/match/matcher.ts";
import { loadConfig } from "../load.ts";

const names = ["one", "two", "gateway", "web"];
const hosts = [
  "b.example.com",
  "*.b.example.com",
  "web",
  "web.a.svc.cluster.local",
  "B.EXAMPLE.COM",
  "",
  "*",
];
const junk = fc.oneof(
  fc.constantFrom<unknown>(null, 0, -1, 1e9, true, "", "x", "*", "{", "9s", [], {}, [null], { a: 1 }),
  fc.string({ maxLength: 5 }),
);
const mostly = (value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 12, arbitrary: value }, { weight: 1, arbitrary: junk });
const object = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> =>
  mostly(
    fc.record(Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, mostly(value)])), {
      requiredKeys: [],
    }),
  );
const list = (value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  mostly(fc.array(mostly(value), { maxLength: 3 }));
const one = (...values: unknown[]): fc.Arbitrary<unknown> => fc.constantFrom(...values);

const text = object({ exact: one("/a", ""), prefix: one("/", "/a"), regex: one(".*", "(", "*", "a|b") });
const destination = object({
  host: one(...hosts),
  subset: one("v1", "v2"),
  port: object({ number: one(80, 8080, 0) }),
});
const match = object({
  uri: text,
  method: text,
  headers: object({ x: text, "@request.auth.claims.a": text }),
  withoutHeaders: object({ y: text }),
  gateways: list(one("mesh", "gateway")),
  port: one(80, 81),
  sniHosts: list(one(...hosts)),
});
const duration = one("0s", "1.5s", "1h", "x", "99999999h");
const trafficPolicy = object({
  loadBalancer: object({
    simple: one("RANDOM", "PASSTHROUGH", "NOPE"),
    consistentHash: object({
      httpHeaderName: one("x", " "),
      httpCookie: object({ name: one("c"), ttl: duration }),
    }),
    warmup: object({ duration }),
  }),
  connectionPool: object({ tcp: object({ maxConnections: one(0, 1), connectTimeout: duration }) }),
  outlierDetection: object({
    interval: duration,
    consecutive5xxErrors: one(0, 3),
    maxEjectionPercent: one(200, 50),
  }),
  tls: object({ mode: one("SIMPLE", "MUTUAL", "ISTIO_MUTUAL") }),
  portLevelSettings: list(object({ port: object({ number: one(80) }) })),
});
const strings = list(one("a", "*", "10.0.0.0/8", "/x*", "/{*}", "GET", "80"));
const targetRef = object({
  group: one("", "gateway.networking.k8s.io", "networking.istio.io"),
  kind: one("Gateway", "GatewayClass", "Service", "ServiceEntry"),
  name: one("web", "istio-waypoint"),
  namespace: one("a", "b"),
});
const scope = {
  selector: object({ matchLabels: object({ app: one("web"), istio: one("ingressgateway") }) }),
  targetRef,
  targetRefs: list(targetRef),
};
const meshConfig = object({
  rootNamespace: one("b"),
  defaultServiceExportTo: list(one("b", ".")),
  defaultVirtualServiceExportTo: list(one("b", ".")),
  defaultHttpRetryPolicy: object({ attempts: one(9) }),
  connectTimeout: duration,
  defaultConfig: object({ gatewayTopology: object({ numTrustedProxies: one(3) }) }),
  trustDomain: one("b.example.com"),
  extensionProviders: list(
    object({
      name: one("p"),
      envoyExtAuthzHttp: object({ service: one("web.a.svc.cluster.local"), port: one(80) }),
    }),
  ),
});

const specs: Record<string, fc.Arbitrary<unknown>> = {
  "networking.istio.io/v1 Gateway": object({
    selector: object({ istio: one("ingressgateway", "other") }),
    servers: list(
      object({
        port: object({
          number: one(80, 81, 443),
          protocol: one("HTTP", "HTTPS", "TCP", "TLS", "UDP"),
          name: one("n"),
        }),
        hosts: list(one("b.example.com", "b/*.b.example.com", "./b.example.com")),
        tls: object({
          mode: one("SIMPLE", "PASSTHROUGH", "MUTUAL", "OPTIONAL_MUTUAL", "ISTIO_MUTUAL", "AUTO_PASSTHROUGH"),
          httpsRedirect: one(true),
          credentialName: one("c", "a/c"),
        }),
      }),
    ),
  }),
  "networking.istio.io/v1beta1 VirtualService": object({
    hosts: list(one(...hosts)),
    gateways: list(one("gateway", "a/gateway", "mesh", "./one")),
    http: list(
      object({
        match: list(match),
        route: list(object({ destination, weight: one(0, 1, 50) })),
        redirect: object({ uri: one("/x", "/x?y"), authority: one("c.com:1"), redirectCode: one(302, 999) }),
        rewrite: object({
          uri: one("/y"),
          uriRegexRewrite: object({ match: one("(", "/a"), rewrite: one("\\1") }),
        }),
        fault: object({ delay: object({ fixedDelay: duration, percentage: object({ value: one(50) }) }) }),
        delegate: object({ name: one(...names), namespace: one("a", "b") }),
        corsPolicy: object({ allowOrigins: list(text), maxAge: duration }),
        retries: object({ attempts: one(1, 99), retryOn: one("5xx,503", "x"), perTryTimeout: duration }),
        mirror: destination,
        timeout: duration,
      }),
    ),
    tls: list(object({ match: list(match), route: list(object({ destination })) })),
    tcp: list(object({ match: list(match), route: list(object({ destination })) })),
    exportTo: list(one("*", ".", "a")),
  }),
  "networking.istio.io/v1 DestinationRule": object({
    host: one(...hosts, "*.a.svc.cluster.local"),
    trafficPolicy,
    subsets: list(object({ name: one("v1"), labels: object({ v: one("1") }), trafficPolicy })),
    exportTo: list(one("*", ".", "a")),
  }),
  "networking.istio.io/v1 ServiceEntry": object({
    hosts: list(one(...hosts)),
    ports: list(object({ number: one(80, 8080), name: one("http"), protocol: one("HTTP", "TCP") })),
    resolution: one("STATIC", "DNS", "NONE"),
    exportTo: list(one("*", ".", "a")),
    subjectAltNames: list(one("web.example.com")),
    endpoints: list(object({ address: one("10.0.0.9", "no address"), ports: object({ http: one(1) }) })),
  }),
  "security.istio.io/v1 AuthorizationPolicy": object({
    ...scope,
    action: one("ALLOW", "DENY", "AUDIT", "CUSTOM"),
    provider: object({ name: one("p") }),
    rules: list(
      object({
        from: list(
          object({ source: object({ principals: strings, ipBlocks: strings, notIpBlocks: strings }) }),
        ),
        to: list(
          object({ operation: object({ paths: strings, methods: strings, ports: strings, hosts: strings }) }),
        ),
        when: list(object({ key: one("source.ip", "request.headers[x]", "nope"), values: strings })),
      }),
    ),
  }),
  "security.istio.io/v1 RequestAuthentication": object({
    ...scope,
    jwtRules: list(object({ issuer: one("i"), jwks: one("{}", "x"), jwksUri: one("https://i/jwks", "x") })),
  }),
  "security.istio.io/v1 PeerAuthentication": object({ ...scope, mtls: object({ mode: one("STRICT") }) }),
  "networking.istio.io/v1alpha3 EnvoyFilter": junk,
  "networking.istio.io/v1 Sidecar": object({ egress: list(object({ hosts: list(one("./*", "~/*")) })) }),
  "v1 Service": object({ selector: object({ app: one("web") }), ports: list(object({ port: one(80) })) }),
  "install.istio.io/v1alpha1 IstioOperator": object({ meshConfig }),
  "gateway.networking.k8s.io/v1 HTTPRoute": object({
    parentRefs: list(object({ name: one("web"), namespace: one("a", "b") })),
    hostnames: list(one("a.example.com")),
    rules: list(
      object({ backendRefs: list(object({ name: one("web"), namespace: one("a"), port: one(80) })) }),
    ),
  }),
};

const objects = fc.array(
  fc.oneof(
    ...Object.entries(specs).map(([type, spec]) => {
      const [apiVersion, kind] = type.split(" ");
      return fc.record({
        apiVersion: fc.constant(apiVersion),
        kind: fc.constant(kind),
        metadata: fc.record({ name: fc.constantFrom(...names), namespace: fc.constant("b") }),
        spec,
      });
    }),
  ),
  { minLength: 1, maxLength: 8 },
);

/** What belongs to someone else. */
const others = `apiVersion: v1
kind: Service
metadata: { name: web, namespace: a }
spec: { selector: { app: web }, ports: [{ name: http, port: 80 }] }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: gateway, namespace: a, creationTimestamp: "2020-01-01T00:00:00Z" }
spec:
  selector: { istio: ingressgateway }
  servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["a/a.example.com"] }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web, namespace: a, creationTimestamp: "2020-01-01T00:00:00Z" }
spec:
  hosts: [a.example.com]
  gateways: [gateway]
  http:
    - match: [{ uri: { prefix: /x } }]
      route: [{ destination: { host: web, port: { number: 80 }, subset: v1 } }]
    - route: [{ destination: { host: web, port: { number: 80 } } }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: web, namespace: a }
spec: { host: web, subsets: [{ name: v1, labels: {} }] }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: web, namespace: a }
spec:
  action: DENY
  rules: [{ to: [{ operation: { paths: [/secret*] } }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: web, namespace: a, creationTimestamp: "2020-01-01T00:00:00Z" }
spec: { gatewayClassName: istio, listeners: [{ name: http, port: 8081, protocol: HTTP }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: web, namespace: a, creationTimestamp: "2020-01-01T00:00:00Z" }
spec: { parentRefs: [{ name: web }], rules: [{ backendRefs: [{ name: web, port: 80 }] }] }
---
`;

function outcomes(content: string): string[] | undefined {
  const { snapshot } = loadConfig([{ name: "all.yaml", content }], { isolate: true });
  if (!snapshot) return undefined;
  const matcher = compileMatcher(snapshot);
  // Whom everybody's policies take for the client.
  const settings = JSON.stringify(snapshot.settings);
  const listeners = ["istio/http-80", "a/web/http"];
  const paths = ["/", "/x", "/xy", "/secret", "/secret/x"];
  const answers = listeners.flatMap((listener) =>
    paths.map((path) => {
      const head = { method: "GET", host: "a.example.com", path, query: "", header: () => null };
      const found = matcher.match(listener, { ...head, clientAddress: "192.0.2.1" });
      const { authorization: policy, ...others } = found?.rule.securityPolicy ?? {};
      const allowed =
        !policy || compileAuthorization(policy)({ head, clientAddress: "192.0.2.1", identity: {} }).allowed;
      const backend = snapshot.backends.find(({ name }) => name === found?.rule.backendRefs[0]?.backend);
      return JSON.stringify([path, allowed, backend, others]);
    }),
  );
  return [settings, ...answers];
}

const expected = outcomes(others);

test("no object of one namespace changes another's routes, and nothing throws", { timeout: 60_000 }, () => {
  expect(expected).toHaveLength(11);
  fc.assert(
    fc.property(objects, (hostile) => {
      const content = others + hostile.map((item) => JSON.stringify(item)).join("\n---\n");
      loadConfig([{ name: "all.yaml", content }]);
      expect(outcomes(content)).toEqual(expected);
    }),
    { numRuns: 40 },
  );
});

test("a broken policy opens nothing", () => {
  const policy = others.replace("paths: [/secret*]", "pahts: [/secret*]");
  const [, ...answers] = outcomes(policy)!;
  const refused = answers.map((line) => (JSON.parse(line) as [string, boolean])[1]);
  expect(refused).toEqual(Array.from({ length: 10 }, () => false));
});
