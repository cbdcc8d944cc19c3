// TCP and TLS listeners as clients and endpoints meet them, through `isthmus serve`, a tunnel and an agent.
import { mkdtemp, rm } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { developmentCertificate } from "../cli/serve/dev-certificate.ts";
import { startAgent, startSystem, type System } from "./system/isthmus.ts";
import { freePorts, type Program } from "./system/process.ts";
import { startTcpPod, tcpClient, tlsClient, type TcpPod } from "./system/tcp.ts";

let one: TcpPod;
let two: TcpPod;
let secure: TcpPod;
let dead: number;
let system: System;
let agent: Program;
let scratch: string;
let ports: Record<string, number>;

const names = ["plain", "sni", "ended", "tunnel", "retry"] as const;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "isthmus-l4-"));
  const certificate = await developmentCertificate(scratch, ["pod.example.com"], Date.now());
  const tls = {
    cert: readFileSync(certificate.certFile, "utf8"),
    key: readFileSync(certificate.keyFile, "utf8"),
  };
  one = await startTcpPod("one");
  two = await startTcpPod("two");
  secure = await startTcpPod("secure", { tls });
  const free = await freePorts(names.length + 1);
  dead = free.pop()!;
  ports = Object.fromEntries(names.map((name, index) => [name, free[index]!]));
  system = await startSystem(
    `
listeners:
  - { name: plain, protocol: TCP, port: ${ports["plain"]} }
  - { name: sni, protocol: TLS, port: ${ports["sni"]}, tls: { mode: Passthrough } }
  - { name: ended, protocol: TLS, port: ${ports["ended"]} }
  - { name: tunnel, protocol: TCP, port: ${ports["tunnel"]} }
  - { name: retry, protocol: TCP, port: ${ports["retry"]} }
tcpRoutes:
  - { name: plain, listeners: [plain], rules: [{ backendRefs: [{ name: one }] }] }
  - { name: tunnel, listeners: [tunnel], rules: [{ backendRefs: [{ name: tunnelled }] }] }
  - { name: retry, listeners: [retry], rules: [{ backendRefs: [{ name: half-dead }] }] }
tlsRoutes:
  - { name: exact, listeners: [sni], hostnames: [pod.example.com], rules: [{ backendRefs: [{ name: secure }] }] }
  - { name: wild, listeners: [sni], hostnames: ["*.example.com"], rules: [{ backendRefs: [{ name: one }] }] }
  - { name: ended, listeners: [ended], hostnames: ["*.example.com"], rules: [{ backendRefs: [{ name: one }] }] }
  - { name: ended-secure, listeners: [ended], hostnames: [again.example.com], rules: [{ backendRefs: [{ name: again }] }] }
backends:
  - { name: one, protocol: TCP, endpoints: [{ address: 127.0.0.1, port: ${one.port} }] }
  - { name: secure, protocol: TCP, endpoints: [{ address: 127.0.0.1, port: ${secure.port} }] }
  - { name: again, protocol: TLS, endpoints: [{ address: localhost, port: ${secure.port} }] }
  - { name: tunnelled, protocol: TCP, tunnel: production, endpoints: [{ address: 127.0.0.1, port: ${two.port} }] }
  - { name: half-dead, protocol: TCP, endpoints: [{ address: 127.0.0.1, port: ${dead} }, { address: 127.0.0.1, port: ${one.port} }] }
accessLog: { mode: all }
`,
    ["--dev-tls"],
  );
  agent = await startAgent(system, "production");
}, 120_000);

afterAll(async () => {
  await agent?.stop();
  await system?.stop();
  await Promise.all([one, two, secure].map((pod) => pod?.stop()));
  await rm(scratch, { recursive: true, force: true });
});

const mebibyte = "x".repeat(1024 * 1024);

test.each(["plain", "tunnel"])(
  "%s: bytes pass both ways, and each direction ends by itself",
  async (name) => {
    const pod = name === "plain" ? one : two;
    const greeting = name === "plain" ? "one\n" : "two\n";
    const client = tcpClient(ports[name]!);
    expect(await client.until("\n")).toBe(greeting);
    client.write(mebibyte);
    client.end("the end");
    expect((await client.all)?.toString()).toBe(`${greeting}${mebibyte}the end`);
    expect(pod.connections.at(-1)!.received().length).toBe(mebibyte.length + 7);
  },
);

test("an endpoint that ends first still gets what the client has to say", async () => {
  const client = tcpClient(ports["plain"]!);
  await client.until("\n");
  const connection = one.connections.at(-1)!;
  connection.socket.unpipe().resume().end();
  await client.all;
  client.end("still here");
  await expect.poll(() => connection.received().toString()).toBe("still here");
});

test("TLS passes through to the endpoint of its server name", async () => {
  const exact = tlsClient(ports["sni"]!, "pod.example.com");
  expect(await exact.until("\n")).toBe("secure\n");
  expect((exact.socket as TLSSocket).getPeerCertificate().subjectaltname).toContain("pod.example.com");
  exact.end("bye");
  expect((await exact.all)?.toString()).toBe("secure\nbye");
});

test("TLS that ends at the gateway goes on as plain TCP, or in TLS of the gateway's own", async () => {
  const client = tlsClient(ports["ended"]!, "a.example.com");
  expect(await client.until("\n")).toBe("one\n");
  client.end("over");
  expect((await client.all)?.toString()).toBe("one\nover");
});

test("an endpoint that refuses costs nobody a connection", async () => {
  for (let round = 0; round < 20; round += 1) {
    const client = tcpClient(ports["retry"]!);
    expect(await client.until("\n")).toBe("one\n");
    client.end();
  }
});
