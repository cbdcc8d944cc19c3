// Authorization servers that are called over gRPC, as Istio, Envoy Gateway and the Gateway API configure them, through
// `isthmus serve`. The servers have a client library of their own for Envoy's messages.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { issueAuthority, issueLeaf } from "#contract/identity/identity-fixture.ts";
import { exportPrivateKeyPem } from "#contract/identity/key-pair.ts";
import { authorities } from "./conformance/world.ts";
import {
  header,
  startAuthorizationServer,
  type AuthorizationServer,
  type Question,
} from "./system/authorization-server.ts";
import { startEchoServer, type Echo, type EchoServer } from "./system/echo-server.ts";
import { ask, type Answer } from "./system/http.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { freePorts } from "./system/process.ts";

let web: EchoServer;
let plain: AuthorizationServer;
let secure: AuthorizationServer;
let system: System;
let ports: { istio: number; gatewayApi: number };
let authority: string;

/** A Service with the port of this machine on which its pod listens. */
const service = (name: string, port: number): string => `---
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { ports: [{ name: http, port: ${port} }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-1, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ name: http, port: ${port} }]
endpoints: [{ addresses: [127.0.0.1] }]
`;

const route = (name: string, filters = "[]"): string => `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name} }
spec:
  parentRefs: [{ name: edge }]
  hostnames: [${name}.example.com]
  rules: [{ filters: ${filters}, backendRefs: [{ name: web, port: ${web.port} }] }]
`;

const securityPolicy = (name: string, extAuth: string): string => `---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: SecurityPolicy
metadata: { name: ${name} }
spec: { targetRefs: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, name: ${name} }], extAuth: ${extAuth} }
`;

const manifests = (): string => `apiVersion: v1
kind: ConfigMap
metadata: { name: istio, namespace: istio-system }
data:
  mesh: |-
    extensionProviders:
      - name: judge
        envoyExtAuthzGrpc: { service: plain.default.svc.cluster.local, port: ${plain.port}, timeout: 10s }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: gateway, namespace: istio-system }
spec:
  selector: { istio: ingressgateway }
  servers: [{ port: { number: ${ports.istio}, name: http, protocol: HTTP }, hosts: ["*"] }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web }
spec:
  hosts: [shop.example.com]
  gateways: [istio-system/gateway]
  http: [{ route: [{ destination: { host: web, port: { number: ${web.port} } } }] }]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: judged, namespace: istio-system }
spec:
  selector: { matchLabels: { istio: ingressgateway } }
  action: CUSTOM
  provider: { name: judge }
  rules: [{ to: [{ operation: { notPaths: [/open] } }] }]
${service("web", web.port)}${service("plain", plain.port)}${service("secure", secure.port)}---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: { name: secure }
spec:
  targetRefs: [{ group: "", kind: Service, name: secure }]
  validation: { hostname: judge.example.com, caCertificateRefs: [{ group: "", kind: ConfigMap, name: judges }] }
${authorities("default", "judges", authority)}---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge }
spec: { gatewayClassName: eg, listeners: [{ name: http, port: ${ports.gatewayApi}, protocol: HTTP }] }
${route("filter", `[{ type: ExternalAuth, externalAuth: { protocol: GRPC, backendRef: { name: secure, port: ${secure.port} }, grpc: { allowedHeaders: [x-login] } } }]`)}${route(
  "policy",
)}${securityPolicy(
  "policy",
  `{ grpc: { backendRefs: [{ name: secure, port: ${secure.port} }] }, contextExtensions: [{ name: tier, type: Value, value: gold }] }`,
)}${route("down")}${securityPolicy("down", "{ grpc: { backendRefs: [{ name: gone, port: 1 }] } }")}${service(
  "gone",
  1,
)}${route("late")}${securityPolicy(
  "late",
  `{ grpc: { backendRefs: [{ name: plain, port: ${plain.port} }] }, timeout: 300ms }`,
)}${route("lenient")}${securityPolicy(
  "lenient",
  `{ grpc: { backendRefs: [{ name: plain, port: ${plain.port} }] }, timeout: 300ms, failOpen: true }`,
)}`;

/** What both servers say of a request, by its header `x-login`. */
function decide({ request: { http } }: Question): object | undefined {
  switch (http.headers["x-login"]) {
    case "silent":
      return undefined;
    case "carol":
      return {
        status: { code: 0 },
        okResponse: {
          headers: [header("x-user", "carol"), header("x-group", "staff", true)],
          headersToRemove: ["x-login"],
          responseHeadersToAdd: [header("x-judged", "yes")],
          queryParametersToSet: [{ key: "as", value: "carol & co" }],
          queryParametersToRemove: ["token"],
        },
      };
    case "bob":
      return {
        status: { code: 7 },
        deniedResponse: {
          status: { code: 401 },
          headers: [header("www-authenticate", "Bearer")],
          body: "log in, bob",
        },
      };
    case "root":
      return { status: { code: 13, message: "broken" }, okResponse: { headers: [header("x-user", "root")] } };
    default:
      return { status: { code: 16 } };
  }
}

beforeAll(async () => {
  const valid = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
  const judges = await issueAuthority("judges", undefined, valid);
  const leaf = await issueLeaf(judges, "spiffe://example.com/judge", {
    ...valid,
    dnsNames: ["judge.example.com"],
    purposes: ["serverAuth"],
  });
  authority = judges.pem;
  web = await startEchoServer("web");
  plain = await startAuthorizationServer(decide);
  secure = await startAuthorizationServer(decide, {
    cert: leaf.pem,
    key: await exportPrivateKeyPem(leaf.keyPair.privateKey),
  });
  const [istio, gatewayApi] = (await freePorts(2)) as [number, number];
  ports = { istio, gatewayApi };
  system = await startSystem(manifests());
}, 60_000);

afterAll(async () => {
  await system?.stop();
  await web?.stop();
  plain?.stop();
  secure?.stop();
});

const echo = (answer: Answer): Echo => JSON.parse(answer.body) as Echo;
const error = (answer: Answer): string => `${answer.status} ${String(answer.headers["isthmus-error"])}`;
const shop = (login: string, path = "/", headers: Record<string, string> = {}) =>
  ask({ port: ports.istio, host: "shop.example.com", path, headers: { "x-login": login, ...headers } });
const api = (name: string, headers: Record<string, string> = {}) =>
  ask({ port: ports.gatewayApi, host: `${name}.example.com`, headers });

describe("Istio: a provider with envoyExtAuthzGrpc", () => {
  test("what the server changes is what the endpoint and the client get", async () => {
    const answer = await shop("carol", "/account?token=secret&page=2", {
      "x-user": "root",
      "x-group": "guests",
    });
    expect(answer.status).toBe(200);
    const { headers, url } = echo(answer);
    expect([headers["x-user"], headers["x-group"], headers["x-login"]]).toEqual([
      "carol",
      "guests, staff",
      undefined,
    ]);
    expect(url).toBe("/account?page=2&as=carol+%26+co");
    expect(answer.headers["x-judged"]).toBe("yes");
  });

  test("the answer that refuses goes to the client, and the endpoint sees nothing", async () => {
    const before = web.requests();
    const answer = await shop("bob", "/account");
    expect([answer.status, answer.headers["www-authenticate"], answer.body]).toEqual([
      401,
      "Bearer",
      "log in, bob",
    ]);
    expect(error(await shop("nobody", "/account"))).toBe("403 undefined");
    expect((await shop("root", "/account")).status).toBe(403);
    expect(web.requests()).toBe(before);
  });

  test("the server is told of the request, and nothing that lies about the client", async () => {
    await shop("carol", "/told?a=1", { "x-forwarded-for": "10.9.9.9", "isthmus-endpoint": "x" });
    const { source, request } = plain.questions.findLast(({ request }) => request.http.path === "/told?a=1")!;
    expect(source.address.socketAddress.address).toBe("127.0.0.1");
    expect(request.http).toMatchObject({ method: "GET", host: "shop.example.com", scheme: "http" });
    expect(request.http.headers).toMatchObject({
      ":authority": "shop.example.com",
      ":path": "/told?a=1",
      "x-login": "carol",
      "x-forwarded-for": "127.0.0.1",
    });
    expect(request.http.headers).not.toHaveProperty("isthmus-endpoint");
  });

  test("requests that no rule of the policy is for are not asked about", async () => {
    const before = plain.questions.length;
    expect((await shop("bob", "/open")).status).toBe(200);
    expect(plain.questions).toHaveLength(before);
  });
});

describe("Gateway API: the ExternalAuth filter", () => {
  test("the server is called in TLS, and sees the headers that the filter names", async () => {
    const answer = await api("filter", { "x-login": "carol", "x-other": "1" });
    expect(echo(answer).headers["x-user"]).toBe("carol");
    const { http } = secure.questions.findLast(
      ({ request }) => request.http.host === "filter.example.com",
    )!.request;
    expect(Object.keys(http.headers)).toEqual(["x-login"]);
    expect((await api("filter", { "x-login": "bob" })).status).toBe(401);
  });
});

describe("Envoy Gateway: extAuth of a SecurityPolicy", () => {
  test("the server is told what the policy adds, and decides", async () => {
    expect(echo(await api("policy", { "x-login": "carol" })).headers["x-user"]).toBe("carol");
    const { contextExtensions } = secure.questions.findLast(
      ({ request }) => request.http.host === "policy.example.com",
    )!;
    expect(contextExtensions).toEqual({ tier: "gold" });
    expect((await api("policy")).status).toBe(403);
  });

  test("without an answer nobody passes, unless the policy says so", async () => {
    expect(error(await api("down", { "x-login": "carol" }))).toBe("503 auth_unavailable");
    expect(error(await api("late", { "x-login": "silent" }))).toBe("503 auth_unavailable");
    const passed = echo(await api("lenient", { "x-login": "silent", "x-user": "eve" }));
    expect(passed.headers["x-login"]).toBe("silent");
  });
});
