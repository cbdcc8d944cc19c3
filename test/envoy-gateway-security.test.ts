// Envoy Gateway's policies where certificates, tokens and checks of health decide, through `isthmus serve`.
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTlsWorld, type KeyPairPem, type TlsWorld } from "./conformance/tls-world.ts";
import { authorities, secret } from "./conformance/world.ts";
import { startEchoServer, type Echo, type EchoServer } from "./system/echo-server.ts";
import { ask } from "./system/http.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { eventually, freePorts } from "./system/process.ts";

const namespace = "default";

let well: EchoServer;
let sick: EchoServer;
let issuer: EchoServer;
let world: TlsWorld;
let system: System;
let ports: { http: number; strict: number; optional: number };
let privateKey: CryptoKey;
let strangerKey: CryptoKey;
let keys: string;

const gatewayGroup = "gateway.networking.k8s.io";
const kind = (of: string, name: string, spec: string): string => `---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: ${of}
metadata: { name: ${name} }
spec: ${spec}
`;
const policy = (of: string, route: string, spec: string): string =>
  kind(of, route, `{ targetRefs: [{ group: ${gatewayGroup}, kind: HTTPRoute, name: ${route} }], ${spec} }`);
const ofListener = (name: string, spec: string): string =>
  kind(
    "ClientTrafficPolicy",
    name,
    `{ targetRefs: [{ group: ${gatewayGroup}, kind: Gateway, name: eg, sectionName: ${name} }], ${spec} }`,
  );
const endpoint = (port: number): string => `{ ip: { address: 127.0.0.1, port: ${port} } }`;
const route = (name: string, backend = "pods"): string => `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name} }
spec:
  parentRefs: [{ name: eg }]
  hostnames: [${name}.example.com]
  rules: [{ backendRefs: [{ group: gateway.envoyproxy.io, kind: Backend, name: ${backend} }] }]
`;
const toPodsOverTls = (name: string, ca: string, more = ""): string =>
  route(name, name) +
  kind(
    "Backend",
    name,
    `{ endpoints: [${endpoint(world.ports["https-backend"])}], tls: { caCertificateRefs: [{ group: "", kind: ConfigMap, name: ${ca} }], sni: abc.example.com${more} } }`,
  );

const provider = (source: string): string =>
  `{ name: house, issuer: house.example.com, audiences: [shop], ${source}, claimToHeaders: [{ claim: sub, header: x-sub }] }`;
const trustingClients = (more = ""): string =>
  `tls: { clientValidation: { caCertificateRefs: [{ group: "", kind: ConfigMap, name: clients }]${more} } }`;

const manifests = (): string => `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: eg }
spec:
  gatewayClassName: eg
  listeners:
    - { name: http, port: ${ports.http}, protocol: HTTP }
    - { name: strict, port: ${ports.strict}, protocol: HTTPS, tls: { certificateRefs: [{ name: site }] } }
    - { name: optional, port: ${ports.optional}, protocol: HTTPS, tls: { certificateRefs: [{ name: site }] } }
${secret(namespace, "site", { certificate: world.pod })}${secret(namespace, "gateway", { certificate: world.client })}${authorities(
  namespace,
  "clients",
  world.clientAuthority,
)}${authorities(namespace, "pods", world.authority)}${authorities(namespace, "strangers", world.strangerAuthority)}${kind(
  "Backend",
  "pods",
  `{ endpoints: [${endpoint(well.port)}] }`,
)}${ofListener("strict", trustingClients())}${ofListener("optional", trustingClients(", optional: true"))}${route("open")}${route(
  "local",
)}${policy("SecurityPolicy", "local", `jwt: { providers: [${provider(`localJWKS: { type: Inline, inline: '${keys}' }`)}] }`)}${route(
  "remote",
)}${policy(
  "SecurityPolicy",
  "remote",
  `jwt: { providers: [${provider(`remoteJWKS: { uri: "http://127.0.0.1:${issuer.port}/keys" }`)}] }, authorization: { defaultAction: Deny, rules: [{ action: Allow, principal: { jwt: { provider: house, claims: [{ name: role, values: [admin] }] } } }] }`,
)}${toPodsOverTls("trusted", "pods")}${toPodsOverTls("known", "pods", ", clientCertificateRef: { name: gateway }")}${toPodsOverTls(
  "untrusted",
  "strangers",
)}${route("checked", "checked")}${kind(
  "Backend",
  "checked",
  `{ endpoints: [${endpoint(well.port)}, ${endpoint(sick.port)}] }`,
)}${policy(
  "BackendTrafficPolicy",
  "checked",
  "healthCheck: { active: { type: HTTP, interval: 100ms, unhealthyThreshold: 1, http: { path: /ready, expectedStatuses: [200] } } }",
)}`;

beforeAll(async () => {
  const pair = await generateKeyPair("RS256", { extractable: true });
  privateKey = pair.privateKey;
  strangerKey = (await generateKeyPair("RS256")).privateKey;
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: "k1", alg: "RS256" };
  keys = JSON.stringify({ keys: [jwk] });
  issuer = await startEchoServer("issuer", (_, response) => {
    response.writeHead(200, { "content-type": "application/json" }).end(keys);
    return true;
  });
  well = await startEchoServer("well");
  sick = await startEchoServer("sick", (request, response) => {
    if (request.url !== "/ready") return false;
    response.writeHead(503).end();
    return true;
  });
  world = await startTlsWorld();
  const [http, strict, optional] = (await freePorts(3)) as [number, number, number];
  ports = { http, strict, optional };
  system = await startSystem(manifests(), ["--processes", "1"]);
}, 60_000);

afterAll(async () => {
  await system?.stop();
  await Promise.all([world, well, sick, issuer].map((server) => server?.stop()));
});

const get = (name: string, headers: Record<string, string> = {}) =>
  ask({ port: ports.http, host: `${name}.example.com`, headers });
const echoed = (answer: { body: string }): Echo => JSON.parse(answer.body) as Echo;
const overTls = async (port: number, client?: KeyPairPem) =>
  (await ask({ port, host: "open.example.com", tls: { servername: "abc.example.com", ...client } })).status;

const token = async (claims: Record<string, unknown>, key = privateKey, audience = "shop") => {
  const signed = new SignJWT(claims)
    .setProtectedHeader({ alg: "RS256", kid: "k1" })
    .setIssuer("house.example.com")
    .setAudience(audience)
    .setExpirationTime("1h");
  return { authorization: `Bearer ${await signed.sign(key)}` };
};

test("ClientTrafficPolicy: who has no certificate of the authorities is not let in", async () => {
  expect(await overTls(ports.strict, world.client)).toBe(200);
  await expect(overTls(ports.strict, world.strangerClient)).rejects.toThrow();
  await expect(overTls(ports.strict)).rejects.toThrow();
});

test("ClientTrafficPolicy: where a certificate is optional, none is needed", async () => {
  expect(await overTls(ports.optional, world.client)).toBe(200);
  expect(await overTls(ports.optional)).toBe(200);
});

test.each(["local", "remote"])("SecurityPolicy: tokens, with keys that are %s", async (name) => {
  expect((await get(name)).status).toBe(401);
  expect((await get(name, await token({ sub: "eve", role: "admin" }, strangerKey))).status).toBe(401);
  expect((await get(name, await token({ sub: "ann", role: "admin" }, privateKey, "bank"))).status).toBe(401);
  const known = await get(name, { ...(await token({ sub: "ann", role: "admin" })), "x-sub": "eve" });
  expect([known.status, echoed(known).headers["x-sub"]]).toEqual([200, "ann"]);
});

test("SecurityPolicy: what a token claims decides who may pass", async () => {
  expect((await get("remote", await token({ sub: "bob", role: "guest" }))).status).toBe(403);
  expect((await get("local", await token({ sub: "bob", role: "guest" }))).status).toBe(200);
});

test("Backend: TLS to its endpoints, verified by the authorities, with a certificate of the gateway's own", async () => {
  const nameOf = async (name: string) => (JSON.parse((await get(name)).body) as { name: string }).name;
  expect(await nameOf("trusted")).toBe("abc.example.com");
  expect(await nameOf("known")).toContain("abc.example.com URI:spiffe://example.com/ns/edge/sa/gateway");
  expect((await get("untrusted")).status).toBe(502);
});

test("BackendTrafficPolicy: an endpoint that fails its check gets no requests", async () => {
  await eventually("ten requests in a row to the endpoint that is well", async () => {
    for (let turn = 0; turn < 10; turn += 1) if (echoed(await get("checked")).name !== "well") return false;
    return true;
  });
});
