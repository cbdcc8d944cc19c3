// Envoy Gateway's policies, Backend and HTTPRouteFilter through `isthmus serve`: what its documentation says of them happens.
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEchoServer, type Echo, type EchoServer } from "./system/echo-server.ts";
import { ask } from "./system/http.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { freePorts } from "./system/process.ts";
import { tcpClient } from "./system/tcp.ts";

let web: EchoServer;
let authority: EchoServer;
let system: System;
let port: number;
let behindProxy: number;
let full: number;

const route = (name: string, rules: string): string => `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name} }
spec: { parentRefs: [{ name: eg }], hostnames: [${name}.example.com], rules: ${rules} }
`;
const policy = (kind: string, target: string, spec: string, name = target): string => `---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: ${kind}
metadata: { name: ${name} }
spec: { targetRefs: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, name: ${target} }], ${spec} }
`;
const ref = "backendRefs: [{ group: gateway.envoyproxy.io, kind: Backend, name: pod }]";
const filter =
  "filters: [{ type: ExtensionRef, extensionRef: { group: gateway.envoyproxy.io, kind: HTTPRouteFilter, name: NAME } }]";
const kind = (name: string, spec: string, of = "HTTPRouteFilter"): string => `---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: ${of}
metadata: { name: ${name} }
spec: ${spec}
`;
const secret = (name: string, data: string): string => `---
apiVersion: v1
kind: Secret
metadata: { name: ${name} }
stringData: ${data}
`;

/** `{SHA}` of "bar". */
const password = "{SHA}Ys23Ag/5IOWqZCw9QGaVDdHwH00=";

const manifests = (): string => `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: eg }
spec:
  gatewayClassName: eg
  listeners: [{ name: http, port: ${port}, protocol: HTTP }, { name: proxied, port: ${behindProxy}, protocol: HTTP }, { name: full, port: ${full}, protocol: HTTP }]
${kind("pod", `{ endpoints: [{ ip: { address: 127.0.0.1, port: ${web.port} } }] }`, "Backend")}${kind(
  "asked",
  `{ endpoints: [{ ip: { address: 127.0.0.1, port: ${authority.port} } }] }`,
  "Backend",
)}${route("limited", `[{ ${ref} }]`)}${policy(
  "BackendTrafficPolicy",
  "limited",
  "rateLimit: { global: { rules: [{ clientSelectors: [{ headers: [{ name: x-user, type: Distinct }] }], limit: { requests: 3, unit: Hour } }] } }",
)}${route("faulty", `[{ ${ref} }]`)}${policy(
  "BackendTrafficPolicy",
  "faulty",
  `faultInjection: { abort: { httpStatus: 501 } }, responseOverride: [{ match: { statusCodes: [{ type: Value, value: 501 }] }, response: { contentType: text/plain, body: { type: Inline, inline: "Oops!" } } }]`,
)}${route("posted", `[{ ${ref} }]`)}${policy(
  "BackendTrafficPolicy",
  "posted",
  "rateLimit: { local: { rules: [{ clientSelectors: [{ methods: [{ value: POST }], path: { value: /orders }, headers: [{ name: x-free, value: yes-please, invert: true }] }], limit: { requests: 1, unit: Hour } }] } }",
)}${route("sorry", `[{ ${ref} }]`)}${policy(
  "BackendTrafficPolicy",
  "sorry",
  "faultInjection: { abort: { httpStatus: 503 } }, responseOverride: [{ match: { statusCodes: [{ value: 503 }] }, redirect: { hostname: www.example.org, path: { type: ReplaceFullPath, replaceFullPath: /sorry } } }]",
)}${route("retried", `[{ ${ref} }]`)}${policy(
  "BackendTrafficPolicy",
  "retried",
  "retry: { numRetries: 5, perRetry: { backOff: { baseInterval: 1ms } }, retryOn: { httpStatusCodes: [502], triggers: [retriable-status-codes] } }",
)}${route("packed", `[{ ${ref} }]`)}${policy(
  "BackendTrafficPolicy",
  "packed",
  "compressor: [{ type: Brotli, brotli: {} }, { type: Gzip, gzip: { compressionLevel: 9 } }]",
)}${route("named", `[{ name: open, matches: [{ path: { value: /open } }], ${ref} }, { ${ref} }]`)}${policy(
  "SecurityPolicy",
  "named",
  "basicAuth: { users: { name: users }, forwardUsernameHeader: x-user }",
)}---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: SecurityPolicy
metadata: { name: open }
spec:
  targetRefs: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, name: named, sectionName: open }]
  cors: { allowOrigins: ["http://*.foo.com"], allowMethods: [PUT], maxAge: 10m }
${secret("users", `{ .htpasswd: "foo:${password}" }`)}${route("keyed", `[{ ${ref} }]`)}${policy(
  "SecurityPolicy",
  "keyed",
  "apiKeyAuth: { credentialRefs: [{ name: keys }], extractFrom: [{ headers: [x-api-key] }], forwardClientIDHeader: x-client, sanitize: true }",
)}${secret("keys", "{ client1: supersecret }")}${route("asking", `[{ ${ref} }]`)}${policy(
  "SecurityPolicy",
  "asking",
  "extAuth: { http: { backendRefs: [{ group: gateway.envoyproxy.io, kind: Backend, name: asked }], path: /check, headersToBackend: [x-current-user] } }",
)}${route("addressed", `[{ ${ref} }]`)}${policy(
  "SecurityPolicy",
  "addressed",
  "authorization: { defaultAction: Deny, rules: [{ action: Allow, principal: { clientCIDRs: [10.0.1.0/24] } }] }",
)}${route("rewritten", `[{ ${filter.replace("NAME", "rewritten")}, ${ref} }]`)}${kind(
  "rewritten",
  `{ urlRewrite: { path: { type: ReplaceRegexMatch, replaceRegexMatch: { pattern: "^/service/([^/]+)(/.*)$", substitution: '\\2/instance/\\1' } } } }`,
)}${route("answered", `[{ ${filter.replace("NAME", "answered")} }]`)}${kind(
  "answered",
  `{ directResponse: { contentType: application/json, statusCode: 503, body: { type: ValueRef, valueRef: { group: "", kind: ConfigMap, name: page } } } }`,
)}---
apiVersion: v1
kind: ConfigMap
metadata: { name: page }
data: { response.body: '{"error": "Oops!"}' }
${route("injected", `[{ ${filter.replace("NAME", "injected")}, ${ref} }]`)}${kind(
  "injected",
  "{ credentialInjection: { overwrite: true, credential: { valueRef: { name: credential } } } }",
)}${secret("credential", `{ credential: "Basic dXNlcjpwYXNzd29yZA==" }`)}${route(
  "baked",
  `[{ ${filter.replace("NAME", "baked")}, ${ref} }]`,
)}${kind("baked", "{ matches: [{ cookies: [{ name: beta, value: yes-please }] }] }")}---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: ClientTrafficPolicy
metadata: { name: proxied }
spec:
  targetRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, name: eg, sectionName: proxied }]
  clientIPDetection: { xForwardedFor: { numTrustedHops: 1 } }
  healthCheck: { path: /healthz }
  headers: { earlyRequestHeaders: { set: [{ name: x-early, value: "1" }] }, lateResponseHeaders: { remove: [x-served-by] } }
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: ClientTrafficPolicy
metadata: { name: full }
spec:
  targetRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, name: eg, sectionName: full }]
  connection: { connectionLimit: { value: 2 } }
`;

beforeAll(async () => {
  let failures = 0;
  web = await startEchoServer("web", (request, response) => {
    if (request.headers.host !== "retried.example.com" || (failures += 1) > 2) return false;
    response.writeHead(502).end();
    return true;
  });
  authority = await startEchoServer("authority", (request, response) => {
    const isKnown = request.headers.authorization === "Bearer token1";
    response.writeHead(isKnown ? 200 : 403, { "x-current-user": "user1", "x-asked": request.url }).end();
    return true;
  });
  [port, behindProxy, full] = (await freePorts(3)) as [number, number, number];
  system = await startSystem(manifests(), ["--processes", "1"]);
}, 60_000);

afterAll(async () => {
  await system?.stop();
  await Promise.all([web, authority].map((server) => server?.stop()));
});

const get = (name: string, path = "/", headers: Record<string, string> = {}, at = port, method = "GET") =>
  ask({ port: at, host: `${name}.example.com`, path, headers, method });
const echoed = (answer: { body: string }): Echo => JSON.parse(answer.body) as Echo;

test("BackendTrafficPolicy: a client has as many requests as the limit says, and another one its own", async () => {
  const statuses: number[] = [];
  for (let index = 0; index < 4; index += 1)
    statuses.push((await get("limited", "/", { "x-user": "one" })).status);
  expect(statuses).toEqual([200, 200, 200, 429]);
  expect((await get("limited", "/", { "x-user": "two" })).status).toBe(200);
  expect((await get("limited")).status).toBe(200);
});

test("BackendTrafficPolicy: a limit of some methods, paths and headers", async () => {
  const post = (path: string, headers = {}) => get("posted", path, headers, port, "POST");
  expect((await post("/orders/1")).status).toBe(200);
  expect((await post("/orders/2")).status).toBe(429);
  expect((await post("/orders/2", { "x-free": "yes-please" })).status).toBe(200);
  expect((await post("/ordersheet")).status).toBe(200);
  expect((await get("posted", "/orders/1")).status).toBe(200);
});

test("BackendTrafficPolicy: faults, pages and redirects", async () => {
  const sent = await get("sorry", "/anything?x=1");
  expect([sent.status, sent.headers["location"]]).toEqual([302, "http://www.example.org/sorry"]);
  const answer = await get("faulty");
  expect([answer.status, answer.body, answer.headers["content-type"]]).toEqual([501, "Oops!", "text/plain"]);
});

test("BackendTrafficPolicy: a request is tried again", async () => {
  expect((await get("retried")).status).toBe(200);
});

test("BackendTrafficPolicy: responses are compressed as the client likes, and endpoints do not hear of it", async () => {
  const encodingFor = async (accepts: string) =>
    (await get("packed", "/", { "accept-encoding": accepts })).headers["content-encoding"];
  expect(await encodingFor("gzip, br")).toBe("br");
  expect(await encodingFor("gzip, br;q=0.5")).toBe("gzip");
  const plain = await get("packed", "/", { "accept-encoding": "zstd" });
  expect([plain.headers["content-encoding"], plain.headers["vary"]]).toEqual([undefined, "Accept-Encoding"]);
  expect(echoed(plain).headers["accept-encoding"]).toBeUndefined();
});

test("SecurityPolicy: a password for the route, scripts of other origins for the rule that has a policy of its own", async () => {
  expect((await get("named")).status).toBe(401);
  const known = await get("named", "/", { authorization: `Basic ${btoa("foo:bar")}`, "x-user": "eve" });
  expect([known.status, echoed(known).headers["x-user"]]).toEqual([200, "foo"]);
  const asked = { origin: "http://www.foo.com", "access-control-request-method": "PUT" };
  const preflight = await get("named", "/open", asked, port, "OPTIONS");
  expect(preflight.headers["access-control-allow-origin"]).toBe("http://www.foo.com");
  expect(preflight.headers["access-control-max-age"]).toBe("600");
  expect((await get("named", "/open")).status).toBe(200);
});

test("SecurityPolicy: API keys of a Secret", async () => {
  expect((await get("keyed", "/", { "x-api-key": "wrong" })).status).toBe(401);
  const answer = await get("keyed", "/", { "x-api-key": "supersecret" });
  expect(answer.status).toBe(200);
  expect(echoed(answer).headers).toMatchObject({ "x-client": "client1" });
  expect(echoed(answer).headers["x-api-key"]).toBeUndefined();
});

test("SecurityPolicy: another server's word", async () => {
  const refused = await get("asking", "/orders?x=1");
  expect([refused.status, refused.headers["x-asked"]]).toEqual([403, "/check/orders?x=1"]);
  const known = await get("asking", "/orders", { authorization: "Bearer token1" });
  expect([known.status, echoed(known).headers["x-current-user"]]).toEqual([200, "user1"]);
});

test("ClientTrafficPolicy: a listener believes its proxy, and the other one nobody", async () => {
  const from = { "x-forwarded-for": "10.0.1.7" };
  expect((await get("addressed", "/", from)).status).toBe(403);
  expect((await get("addressed", "/", from, behindProxy)).status).toBe(200);
  expect((await get("addressed", "/", { "x-forwarded-for": "10.0.2.7" }, behindProxy)).status).toBe(403);
});

test("ClientTrafficPolicy: a connection beyond the limit is closed", async () => {
  const open = [tcpClient(full), tcpClient(full)];
  for (const client of open) {
    client.write("GET / HTTP/1.1\r\nHost: answered.example.com\r\n\r\n");
    await client.until("Oops!");
  }
  const third = tcpClient(full);
  // Reset, or ended without a word.
  expect((await third.all)?.toString() ?? "").toBe("");
  for (const { socket } of [...open, third]) socket.destroy();
});

test("ClientTrafficPolicy: health checks of the gateway, and headers of every request and response", async () => {
  expect((await get("whatever", "/healthz", {}, behindProxy)).status).toBe(200);
  expect((await get("baked", "/healthz", {}, behindProxy)).status).toBe(200);
  expect((await get("whatever", "/healthz")).status).toBe(404);
  const answer = await get("rewritten", "/", {}, behindProxy);
  expect(echoed(answer).headers["x-early"]).toBe("1");
  expect(answer.headers["x-served-by"]).toBeUndefined();
  const other = await get("rewritten");
  expect([echoed(other).headers["x-early"], other.headers["x-served-by"]]).toEqual([undefined, "web"]);
});

test("HTTPRouteFilter: paths by expression, answers, credentials, cookies", async () => {
  expect(echoed(await get("rewritten", "/service/foo/v1/api")).url).toBe("/v1/api/instance/foo");
  const answer = await get("answered");
  expect([answer.status, answer.body]).toEqual([503, '{"error": "Oops!"}']);
  expect(echoed(await get("injected", "/", { authorization: "Basic other" })).headers.authorization).toBe(
    "Basic dXNlcjpwYXNzd29yZA==",
  );
  expect((await get("baked")).status).toBe(404);
  expect((await get("baked", "/", { cookie: "beta=yes-please" })).status).toBe(200);
});
