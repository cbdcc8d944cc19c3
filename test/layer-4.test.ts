// TCP and TLS listeners as clients and endpoints meet them, through `isthmus serve`, a tunnel and an agent.
import { mkdtemp, rm } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { developmentCertificate } from "../cli/serve/dev-certificate.ts";
import { readProxyHeader } from "#traffic/connection/proxy-protocol.ts";
import { haproxyMissing, startHaproxy } from "./system/haproxy.ts";
import { startAgent, startSystem, type System } from "./system/isthmus.ts";
import { eventually, freePorts, type Program } from "./system/process.ts";
import {
  type PodConnection,
  startTcpPod,
  tcpClient,
  type TcpClient,
  tlsClient,
  type TcpPod,
} from "./system/tcp.ts";

let one: TcpPod;
let two: TcpPod;
let secure: TcpPod;
let dead: number;
let system: System;
let agent: Program;
let scratch: string;
let ports: Record<string, number>;

const names =
  "plain sni ended tunnel retry idle denied narrow pair v1 v2 behind-proxy ended-behind-proxy".split(" ");

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
  - { name: idle, protocol: TCP, port: ${ports["idle"]} }
  - { name: denied, protocol: TCP, port: ${ports["denied"]} }
  - { name: narrow, protocol: TCP, port: ${ports["narrow"]} }
  - { name: pair, protocol: TCP, port: ${ports["pair"]} }
  - { name: v1, protocol: TCP, addresses: [127.0.0.1], port: ${ports["v1"]} }
  - { name: v2, protocol: TCP, addresses: [127.0.0.1], port: ${ports["v2"]} }
  - { name: behind-proxy, protocol: TCP, port: ${ports["behind-proxy"]}, proxyProtocol: {} }
  - { name: ended-behind-proxy, protocol: TLS, port: ${ports["ended-behind-proxy"]}, proxyProtocol: { optional: true } }
tcpRoutes:
  - { name: idle, listeners: [idle], rules: [{ backendRefs: [{ name: one }], timeouts: { idle: 3s } }] }
  - name: denied
    listeners: [denied]
    securityPolicy: { clientCIDRs: { deny: [127.0.0.2/32] } }
    rules: [{ backendRefs: [{ name: one }] }]
  - { name: narrow, listeners: [narrow], rules: [{ backendRefs: [{ name: narrow }] }] }
  - { name: pair, listeners: [pair], rules: [{ backendRefs: [{ name: pair }] }] }
  - { name: v1, listeners: [v1], rules: [{ backendRefs: [{ name: v1 }] }] }
  - { name: v2, listeners: [v2, behind-proxy, ended-behind-proxy], rules: [{ backendRefs: [{ name: v2 }] }] }
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
  - { name: narrow, protocol: TCP, circuitBreaker: { maxConnections: 1 }, endpoints: [{ address: 127.0.0.1, port: ${one.port} }] }
  - { name: pair, protocol: TCP, endpoints: [{ address: 127.0.0.1, port: ${one.port} }, { address: 127.0.0.1, port: ${two.port} }] }
  - { name: v1, protocol: TCP, proxyProtocol: { version: V1 }, endpoints: [{ address: 127.0.0.1, port: ${one.port} }] }
  - { name: v2, protocol: TCP, proxyProtocol: { version: V2 }, endpoints: [{ address: 127.0.0.1, port: ${one.port} }] }
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

/** The connection that a pod got for a client that has been greeted. */
async function greeted(name: string): Promise<{ client: TcpClient; pod: TcpPod; at: PodConnection }> {
  const client = tcpClient(ports[name]!);
  const pod = (await client.until("\n")).startsWith("one") ? one : two;
  return { client, pod, at: pod.connections.at(-1)! };
}

test("clients and endpoints that break off end no process, and leave nothing behind", async () => {
  const gateways = (): string[] =>
    Array.from(system.program.output().matchAll(/gateway-\d+ pid=\d+ started/g), String);
  const before = gateways();
  let finished = 0;
  const one2000 = async (round: number): Promise<void> => {
    const client = tcpClient(ports[round % 4 === 3 ? "tunnel" : "plain"]!);
    // Before the endpoint is connected, after it, with bytes on the way in either direction, and from the other side.
    if (round % 5 !== 0) await client.until("\n").catch(() => undefined);
    if (round % 5 > 1) client.write("x".repeat(100_000));
    if (round % 5 === 4) for (const pod of [one, two]) pod.connections.at(-1)?.socket.resetAndDestroy();
    client.socket.resetAndDestroy();
    await client.all;
    finished += 1;
  };
  for (let batch = 0; batch < 40; batch += 1) {
    await Promise.all(Array.from({ length: 50 }, (_, index) => one2000(batch * 50 + index)));
  }
  expect(finished).toBe(2_000);
  for (const name of ["plain", "tunnel"]) (await greeted(name)).client.end();
  expect(gateways()).toEqual(before);
  expect(system.program.output()).not.toMatch(/uncaught|unhandled/i);
  // Every one of them has reached its end at the endpoints, too.
  await eventually("all connections closed", async () =>
    [...one.connections, ...two.connections].every(({ socket }) => socket.destroyed),
  );
}, 120_000);

test("a connection without a byte is closed, one that talks is not", async () => {
  const silent = await greeted("idle");
  const talking = await greeted("idle");
  const timer = setInterval(() => talking.client.write("."), 100);
  await silent.client.all;
  await eventually("closed at the endpoint, too", async () => silent.at.socket.destroyed);
  talking.client.write("still here");
  await talking.client.until("still here");
  clearInterval(timer);
  talking.client.end();
  await talking.client.all;
});

test("clients of denied networks are disconnected, all others served", async () => {
  expect((await tcpClient(ports["denied"]!, "127.0.0.2").all)?.length ?? 0).toBe(0);
  const client = tcpClient(ports["denied"]!);
  expect(await client.until("\n")).toBe("one\n");
  client.end();
});

test("connections beyond maxConnections are refused, until one has ended", async () => {
  const { client } = await greeted("narrow");
  expect((await tcpClient(ports["narrow"]!).all)?.length ?? 0).toBe(0);
  client.end();
  await client.all;
  await eventually("a connection again", async () => (await greeted("narrow")).client.end() === undefined);
});

test("an endpoint in maintenance keeps its connections and gets no new ones", async () => {
  const { client, at } = await greeted("pair");
  const pod = one.connections.includes(at) ? one : two;
  const key = `127.0.0.1:${pod.port}`;
  const set = (state: string) =>
    system.run("endpoint", "set", "pair", key, "--state", state, "--reason", "test");
  expect(await set("maintenance")).toMatchObject({ code: 0 });
  await eventually("only the other one", async () => {
    const pods = await Promise.all(Array.from({ length: 6 }, () => greeted("pair")));
    for (const other of pods) other.client.end();
    return pods.every((other) => other.pod !== pod);
  });
  client.end("as before");
  expect((await client.all)?.toString()).toContain("as before");
  expect(await set("ready")).toMatchObject({ code: 0 });
});

test("a reader that stops stops the writer", async () => {
  const { client, at } = await greeted("plain");
  client.socket.pause();
  const chunk = Buffer.alloc(1024 * 1024);
  // The pod writes as long as its socket takes it; buffers on the way are a few MiB.
  let sent = 0;
  while (at.socket.writableLength < chunk.length && sent < 256) {
    await new Promise<void>((done) => {
      const flushed = setTimeout(done, 500);
      at.socket.write(chunk, () => {
        clearTimeout(flushed);
        done();
      });
    });
    sent += 1;
  }
  expect(sent).toBeLessThan(64);
  client.socket.resume();
  at.socket.end();
  client.end();
  expect((await client.all)?.length).toBe("one\n".length + sent * chunk.length);
});

/** What a pod got before anything else. */
async function header(name: string, connectTo = ports[name]!) {
  const client = tcpClient(connectTo);
  await client.until("\n");
  const connection = one.connections.at(-1)!;
  client.end("!");
  await client.all;
  const bytes = connection.received();
  const result = readProxyHeader(bytes);
  if (result.type !== "header") throw new Error(`no PROXY header: ${bytes.toString("latin1")}`);
  return { bytes, result, localPort: client.socket.localPort! };
}

test("the PROXY protocol tells an endpoint who connects, as HAProxy tells it", async () => {
  const v1 = await header("v1");
  expect(v1.bytes.toString()).toMatch(/^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\n!$/);
  const v2 = await header("v2");
  expect(v2.result.connection).toMatchObject({
    source: { address: "127.0.0.1" },
    destination: { address: "127.0.0.1", port: ports["v2"] },
  });
  expect(v2.bytes.subarray(v2.result.lengthBytes).toString()).toBe("!");
});

test.skipIf(haproxyMissing())(
  "behind and beside HAProxy, both directions of the PROXY protocol agree",
  async () => {
    const [behind, ended, beside1, beside2] = (await freePorts(4)) as [number, number, number, number];
    const haproxy = await startHaproxy(`
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen behind
  bind 127.0.0.1:${behind}
  server gateway 127.0.0.1:${ports["behind-proxy"]} send-proxy
listen ended
  bind 127.0.0.1:${ended}
  server gateway 127.0.0.1:${ports["ended-behind-proxy"]} send-proxy-v2
listen beside1
  bind 127.0.0.1:${beside1}
  server pod 127.0.0.1:${one.port} send-proxy
listen beside2
  bind 127.0.0.1:${beside2}
  server pod 127.0.0.1:${one.port} send-proxy-v2
`);
    try {
      await eventually("HAProxy", async () => (await header("v2", beside2)).result.type === "header");
      // Through HAProxy and the gateway: the endpoint still learns of the client itself.
      const through = await header("v2", behind);
      expect(through.result.connection.source?.port).toBeGreaterThan(0);
      expect(through.result.connection.destination?.port).toBe(behind);
      const secured = tlsClient(ended, "a.example.com");
      await secured.until("\n");
      const connection = one.connections.at(-1)!;
      secured.end("!");
      await secured.all;
      expect(readProxyHeader(connection.received())).toMatchObject({
        connection: { destination: { port: ended }, serverName: "a.example.com" },
      });
      // Beside each other: the same header, but for the ports.
      const withoutPorts = (bytes: Buffer): string => bytes.toString("latin1").replace(/\d+ \d+\r\n/, "");
      expect(withoutPorts((await header("v1")).bytes)).toBe(
        withoutPorts((await header("v1", beside1)).bytes),
      );
      const [own, theirs] = [(await header("v2")).bytes, (await header("v2", beside2)).bytes];
      const addressEnd = 16 + 8;
      expect(own.subarray(0, addressEnd)).toEqual(theirs.subarray(0, addressEnd));
    } finally {
      await haproxy.stop();
    }
  },
);

test("what is no PROXY header, and no ClientHello, gets nowhere", async () => {
  for (const name of ["behind-proxy", "sni"]) {
    const before = one.connections.length;
    const client = tcpClient(ports[name]!);
    client.write("GET / HTTP/1.1\r\nHost: pod.example.com\r\n\r\n");
    expect((await client.all)?.length ?? 0).toBe(0);
    expect(one.connections.length).toBe(before);
  }
});

test("one line of the log per connection, when it is over", async () => {
  const client = tlsClient(ports["ended"]!, "log.example.com");
  await client.until("\n");
  client.end("12345");
  await client.all;
  const [line] = await system.program.printed(/^\{.*"serverName":"log\.example\.com".*\}$/m);
  expect(JSON.parse(line)).toMatchObject({
    listener: "ended",
    protocol: "TLS",
    route: "ended",
    rule: "ended/0",
    backend: "one",
    endpoint: `127.0.0.1:${one.port}`,
    bytesIn: 5,
    bytesOut: 9,
    client: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
  });
});

test("the statistics count connections as HAProxy counts those of mode tcp", async () => {
  const row = await eventually("a row with connections", async () => {
    // Counts travel with the heartbeat, and that with connections.
    (await greeted("plain")).client.end();
    const token = readFileSync(join(system.dataDirectory, "admin-token"), "utf8").trim();
    const response = await fetch(`http://127.0.0.1:${system.controlPort}/stats;csv`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const [heading, ...lines] = (await response.text()).trimEnd().split("\n");
    const columns = heading!.replace("# ", "").split(",");
    const fields = lines.find((line) => line.startsWith("plain,FRONTEND,"))!.split(",");
    const found = Object.fromEntries(columns.map((column, index) => [column, fields[index]]));
    return Number(found["stot"]) > 0 && found;
  });
  expect(row).toMatchObject({ mode: "tcp", hrsp_2xx: "" });
});

test("a connection outlives the gateway process that is replaced under it", async () => {
  const { client } = await greeted("plain");
  const config = readFileSync(join(system.directory, "isthmus.yaml"), "utf8");
  const more = `backends:\n  - { name: more, endpoints: [{ address: 127.0.0.1, port: ${dead} }] }`;
  const file = await system.file("next.yaml", config.replace("backends:", more));
  expect(await system.run("apply", "-f", file, "--reason", "another direct endpoint")).toMatchObject({
    code: 0,
  });
  // The successor serves, the old process only finishes what it has.
  await system.program.printed(/gateway-1 pid=\d+ started[^]*gateway-1 pid=\d+ started/);
  (await greeted("plain")).client.end();
  client.end("still here");
  expect((await client.all)?.toString()).toBe("one\nstill here");
});
