// Manifests of the Gateway API and of Istio as `isthmus serve` runs them, for what the tables of the corpus cannot show:
// connections, TLS that passes through by server name, an authorization server that is a Service, and sessions of a Service.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { developmentCertificate } from "../cli/serve/dev-certificate.ts";
import { startEchoServer, type Echo, type EchoServer } from "./system/echo-server.ts";
import { ask, type Answer } from "./system/http.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { freePorts } from "./system/process.ts";
import { startTcpPod, tcpClient, tlsClient, type TcpPod } from "./system/tcp.ts";

let scratch: string;
let database: TcpPod;
let secure: TcpPod;
let web: EchoServer;
let spare: EchoServer;
let webTls: { cert: string; key: string };
let authority: EchoServer;
let system: System;
let ports: { http: number; tcp: number; tls: number; istioTcp: number; istioTls: number };

/** A Service with the port of this machine on which its pod listens. */
const service = (name: string, port: number): string => `
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { ports: [{ name: tcp-${name}, port: ${port} }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-1, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ name: tcp-${name}, port: ${port} }]
endpoints: [{ addresses: [127.0.0.1] }]
---`;

/** A Service with two pods whose clients stay with one of them. */
const pair = (): string => `${service("pair", web.port)}
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: pair-2, labels: { kubernetes.io/service-name: pair } }
addressType: IPv4
ports: [{ name: tcp-pair, port: ${spare.port} }]
endpoints: [{ addresses: [127.0.0.1] }]
---
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackendTrafficPolicy
metadata: { name: pair }
spec:
  targetRefs: [{ group: "", kind: Service, name: pair }]
  sessionPersistence: { type: Cookie, sessionName: seat }
---`;

const manifests =
  (): string => `${service("web", web.port)}${service("authority", authority.port)}${service("database", database.port)}${service("secure", secure.port)}${pair()}
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge }
spec:
  gatewayClassName: isthmus
  listeners:
    - { name: http, port: ${ports.http}, protocol: HTTP }
    - { name: tcp, port: ${ports.tcp}, protocol: TCP }
    - { name: tls, port: ${ports.tls}, protocol: TLS, tls: { mode: Passthrough } }
    - { name: https, port: ${ports.tls}, protocol: HTTPS, hostname: web.example.com, tls: { certificateRefs: [{ name: web }] } }
---
apiVersion: v1
kind: Secret
metadata: { name: web }
type: kubernetes.io/tls
stringData: { tls.crt: ${JSON.stringify(webTls.cert)}, tls.key: ${JSON.stringify(webTls.key)} }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: web }
spec:
  parentRefs: [{ name: edge, sectionName: https }]
  rules: [{ backendRefs: [{ name: web, port: ${web.port} }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: asked }
spec:
  parentRefs: [{ name: edge, sectionName: http }]
  rules:
    - matches: [{ path: { value: /asked } }]
      filters:
        - type: ExternalAuth
          externalAuth:
            protocol: HTTP
            backendRef: { name: authority, port: ${authority.port} }
            http: { path: /check, allowedHeaders: [x-token], allowedResponseHeaders: [x-user] }
      backendRefs: [{ name: web, port: ${web.port} }]
    - matches: [{ path: { value: /pair } }]
      backendRefs: [{ name: pair, port: ${web.port} }]
    - matches: [{ path: { value: /down } }]
      filters:
        - type: ExternalAuth
          externalAuth: { protocol: HTTP, backendRef: { name: nobody, port: 1 } }
      backendRefs: [{ name: web, port: ${web.port} }]
---
apiVersion: gateway.networking.k8s.io/v1alpha2
kind: TCPRoute
metadata: { name: database }
spec:
  parentRefs: [{ name: edge, sectionName: tcp }]
  rules: [{ backendRefs: [{ name: database, port: ${database.port} }] }]
---
apiVersion: gateway.networking.k8s.io/v1alpha2
kind: TLSRoute
metadata: { name: secure }
spec:
  parentRefs: [{ name: edge, sectionName: tls }]
  hostnames: [pod.example.com]
  rules: [{ backendRefs: [{ name: secure, port: ${secure.port} }] }]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: mesh-edge }
spec:
  selector: { istio: ingressgateway }
  servers:
    - { port: { number: ${ports.istioTcp}, name: tcp, protocol: TCP }, hosts: ["*"] }
    - { port: { number: ${ports.istioTls}, name: tls, protocol: TLS }, tls: { mode: PASSTHROUGH }, hosts: ["*.example.com"] }
    - { port: { number: ${ports.istioTls}, name: https, protocol: HTTPS }, tls: { mode: SIMPLE, credentialName: web }, hosts: [web.example.com] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: connections }
spec:
  hosts: ["*.example.com"]
  gateways: [mesh-edge]
  http: [{ route: [{ destination: { host: web, port: { number: ${web.port} } } }] }]
  tcp:
    - match: [{ port: ${ports.istioTcp} }]
      route: [{ destination: { host: database, port: { number: ${database.port} } } }]
  tls:
    - match: [{ port: ${ports.istioTls}, sniHosts: [pod.example.com] }]
      route: [{ destination: { host: secure, port: { number: ${secure.port} } } }]
`;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "isthmus-manifests-"));
  const [tls, own] = await Promise.all(["pod.example.com", "web.example.com"].map(certificateFor));
  webTls = own!;
  database = await startTcpPod("database");
  secure = await startTcpPod("secure", { tls: tls! });
  web = await startEchoServer("web");
  spare = await startEchoServer("spare");
  authority = await startEchoServer("authority", (request, response) => {
    const isKnown = request.headers["x-token"] === "known";
    response.writeHead(isKnown ? 200 : 403, { "x-user": "ann", "x-asked": request.url });
    response.end(isKnown ? "" : "who are you?");
    return true;
  });
  const [http, tcp, tlsPort, istioTcp, istioTls] = (await freePorts(5)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  ports = { http, tcp, tls: tlsPort, istioTcp, istioTls };
  system = await startSystem(manifests(), ["--processes", "1"]);
});

async function certificateFor(name: string): Promise<{ cert: string; key: string }> {
  const directory = join(scratch, name);
  await mkdir(directory);
  const { certFile, keyFile } = await developmentCertificate(directory, [name], Date.now());
  return { cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") };
}

afterAll(async () => {
  await system?.stop();
  await Promise.all([database, secure, web, spare, authority].map((pod) => pod?.stop()));
  await rm(scratch, { recursive: true, force: true });
});

describe("ExternalAuth", () => {
  const get = (path: string, headers: Record<string, string> = {}) =>
    ask({ port: ports.http, host: "example.com", path, headers });

  test("whoever is known passes, under the name that the server gives", async () => {
    const answer = await get("/asked/x?y=z", { "x-token": "known", "x-user": "eve" });
    expect(answer.status).toBe(200);
    expect((JSON.parse(answer.body) as Echo).headers["x-user"]).toBe("ann");
  });

  test("others get the server's answer", async () => {
    const answer = await get("/asked/x?y=z");
    expect([answer.status, answer.body]).toEqual([403, "who are you?"]);
    expect(answer.headers["x-asked"]).toBe("/check/asked/x?y=z");
  });

  test("a server that is not there lets nobody pass", async () => {
    const before = web.requests();
    expect((await get("/down", { "x-token": "known" })).status).toBe(500);
    expect(web.requests()).toBe(before);
  });
});

describe("XBackendTrafficPolicy", () => {
  const nameOf = (answer: Answer): string => (JSON.parse(answer.body) as Echo).name;
  const get = (headers: Record<string, string> = {}) =>
    ask({ port: ports.http, host: "example.com", path: "/pair", headers });

  test("a client with the cookie stays with its pod, and others go to both", async () => {
    const first = await get();
    const cookie = [first.headers["set-cookie"]].flat().join().split(";")[0]!;
    expect(cookie).toMatch(/^seat=/);
    for (let turn = 0; turn < 6; turn += 1) expect(nameOf(await get({ cookie }))).toBe(nameOf(first));
    const others = new Set<string>();
    while (others.size < 2) others.add(nameOf(await get()));
  });
});

describe.each([
  { format: "Gateway API", tcp: () => ports.tcp, tls: () => ports.tls },
  { format: "Istio", tcp: () => ports.istioTcp, tls: () => ports.istioTls },
])("$format", ({ tcp, tls }) => {
  test("a connection goes to the Service's endpoint and comes back", async () => {
    const client = tcpClient(tcp());
    expect(await client.until("\n")).toBe("database\n");
    client.end("select 1");
    expect((await client.all)?.toString()).toBe("database\nselect 1");
  });

  test("TLS passes through by its server name, and no other name does", async () => {
    const client = tlsClient(tls(), "pod.example.com");
    expect(await client.until("\n")).toBe("secure\n");
    client.end("bye");
    expect((await client.all)?.toString()).toBe("secure\nbye");
    const before = secure.connections.length;
    await expect(tlsClient(tls(), "other.example.com").until("\n")).rejects.toThrow();
    expect(secure.connections.length).toBe(before);
  });

  test("on the same port TLS of another name ends at the gateway, which serves its requests", async () => {
    const host = "web.example.com";
    const answer = await ask({ port: tls(), host, tls: { ca: webTls.cert } });
    expect((JSON.parse(answer.body) as Echo).name).toBe("web");
  });
});
