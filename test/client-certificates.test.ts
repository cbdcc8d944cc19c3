// Certificates of clients at HTTPS listeners: who is let in, what rules make of it, what the endpoint hears.
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect as http2Connect } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { connect as tlsConnect } from "node:tls";
import { tmpdir } from "node:os";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import {
  type FixtureCertificate,
  issueAuthority,
  issueLeaf,
  issueRevocationList,
} from "#contract/identity/identity-fixture.ts";
import { exportPrivateKeyPem } from "#contract/identity/key-pair.ts";
import { startEchoServer, type Echo, type EchoServer } from "./system/echo-server.ts";
import { ask } from "./system/http.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { eventually, freePorts } from "./system/process.ts";
import { startTcpPod, type TcpPod } from "./system/tcp.ts";

const host = "a.test";
const spiffe = (name: string): string => `spiffe://example.org/ns/shop/sa/${name}`;

interface ClientKey {
  readonly cert: string;
  readonly key: string;
  readonly der: Uint8Array;
}

let origin: EchoServer;
let system: System;
let directory: string;
let ports: Record<"strict" | "lenient" | "listed" | "tcp" | "shared", number>;
let orders: ClientKey;
let stranger: ClientKey;
let expired: ClientKey;
let revoked: ClientKey;
let root: FixtureCertificate;
let pod: TcpPod;
let secondRoot: FixtureCertificate;

const dayMs = 86_400_000;
const valid = { notBeforeMs: Date.now() - dayMs, notAfterMs: Date.now() + dayMs };

async function clientKey(issuer: FixtureCertificate, name: string, times = valid): Promise<ClientKey> {
  const leaf = await issueLeaf(issuer, spiffe(name), times);
  return { cert: leaf.pem, key: await exportPrivateKeyPem(leaf.keyPair.privateKey), der: leaf.der };
}

beforeAll(async () => {
  root = await issueAuthority("clients", undefined, valid);
  secondRoot = await issueAuthority("other clients", undefined, valid);
  orders = await clientKey(root, "orders");
  stranger = await clientKey(secondRoot, "orders");
  expired = await clientKey(root, "orders", { ...valid, notAfterMs: Date.now() - 1000 });
  revoked = await clientKey(root, "orders");
  directory = await mkdtemp(join(tmpdir(), "isthmus-clients-"));
  const caFile = join(directory, "ca.pem");
  await writeFile(caFile, root.pem);
  // A trust of its own: a test changes the other one.
  const authority = join(directory, "authority.pem");
  await writeFile(authority, root.pem);
  const crlFile = join(directory, "revoked.pem");
  await writeFile(crlFile, await issueRevocationList(root, [revoked], valid));
  pod = await startTcpPod("pod");
  origin = await startEchoServer("origin");
  new WebSocketServer({ server: origin.server, path: "/socket" }).on("connection", (socket, request) =>
    socket.send(String(request.headers["client-cert"])),
  );
  const [strict, lenient, listed, tcp, shared] = (await freePorts(5)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  ports = { strict, lenient, listed, tcp, shared };
  system = await startSystem(
    `
listeners:
  - name: strict
    protocol: HTTPS
    port: ${strict}
    tls: { frontendValidation: { caFiles: ["${caFile}"] }, forwardClientCertificate: true }
  - name: lenient
    protocol: HTTPS
    port: ${lenient}
    tls: { frontendValidation: { caFiles: ["${caFile}"], mode: AllowInsecureFallback } }
  - name: listed
    protocol: HTTPS
    port: ${listed}
    tls: { frontendValidation: { caFiles: ["${authority}"], crlFiles: ["${crlFile}"] } }
  - { name: shared, protocol: HTTPS, port: ${shared} }
  - name: shared-strict
    protocol: HTTPS
    port: ${shared}
    hostnames: [strict.test, "*.strict.test"]
    tls: { frontendValidation: { caFiles: ["${authority}"] } }
  - name: shared-lenient
    protocol: HTTPS
    port: ${shared}
    hostnames: [lenient.test]
    tls: { frontendValidation: { caFiles: ["${caFile}"], mode: AllowInsecureFallback } }
  - name: tcp
    protocol: TLS
    port: ${tcp}
    tls: { frontendValidation: { caFiles: ["${authority}"], crlFiles: ["${crlFile}"] } }
tlsRoutes: [{ name: tcp, listeners: [tcp], rules: [{ backendRefs: [{ name: pod }] }] }]
routes:
  - name: all
    rules:
      - backendRefs: [{ name: origin }]
      - matches: [{ path: { value: /orders } }]
        securityPolicy:
          authorization: { rules: [{ action: Allow, principal: { principals: ["${spiffe("orders")}"] } }] }
        backendRefs: [{ name: origin }]
      - matches: [{ path: { value: /payments } }]
        securityPolicy:
          authorization: { rules: [{ action: Allow, principal: { principals: ["${spiffe("payments")}"] } }] }
        backendRefs: [{ name: origin }]
backends:
  - { name: origin, endpoints: [{ address: 127.0.0.1, port: ${origin.port} }] }
  - { name: pod, protocol: TCP, endpoints: [{ address: 127.0.0.1, port: ${pod.port} }] }
`,
    ["--dev-tls", "--processes", "1"],
  );
});
afterAll(async () => {
  await system?.stop();
  await origin?.stop();
  await pod?.stop();
  await rm(directory, { recursive: true, force: true });
});

interface ClientAnswer {
  readonly status: number;
  readonly echo: Echo | undefined;
}

const clientCert = (answer: ClientAnswer): unknown => answer.echo?.headers["client-cert"];
const fieldOf = ({ der }: ClientKey): string => `:${Buffer.from(der).toString("base64")}:`;

/** Rejects when there is no connection. */
async function get(
  port: number,
  path: string,
  client?: ClientKey,
  headers: Record<string, string> = {},
  servername = host,
): Promise<ClientAnswer> {
  const pair = client && { cert: client.cert, key: client.key };
  const { status, body } = await ask({ port, host, path, headers, tls: { servername, ...pair } });
  return { status, echo: status === 200 ? (JSON.parse(body) as Echo) : undefined };
}

/** However it ends. */
function closed(socket: Socket): Promise<void> {
  socket.on("error", () => undefined);
  return new Promise((done) => void socket.once("close", () => done()));
}

describe("AllowValidOnly", () => {
  test("a client with a valid certificate is let in, and the endpoint gets it, not what the client says", async () => {
    const answer = await get(ports.strict, "/", orders, {
      "client-cert": ":AAAA:",
      "client-cert-chain": "x",
    });
    expect(clientCert(answer)).toBe(fieldOf(orders));
    expect(answer.echo?.headers["client-cert-chain"]).toBeUndefined();
  });

  test.each([
    ["without one", (): ClientKey | undefined => undefined],
    ["with one of another authority", (): ClientKey => stranger],
    ["with an expired one", (): ClientKey => expired],
  ])("a client %s gets no connection", async (_, client) => {
    await expect(get(ports.strict, "/", client())).rejects.toThrow(/ECONNRESET|socket hang up|alert/);
  });

  test("over HTTP/2, for every request of the connection", async () => {
    const session = http2Connect(`https://127.0.0.1:${ports.strict}`, {
      servername: host,
      rejectUnauthorized: false,
      cert: orders.cert,
      key: orders.key,
    });
    const statuses = ["/orders", "/payments"].map(async (path) => {
      const stream = session.request({ ":path": path, ":authority": host });
      const [headers] = (await once(stream, "response")) as [{ ":status": number }];
      stream.resume();
      return headers[":status"];
    });
    expect(await Promise.all(statuses)).toEqual([200, 403]);
    session.close();
  });

  test("a WebSocket's handshake has it, too", async () => {
    const socket = new WebSocket(`wss://127.0.0.1:${ports.strict}/socket`, [], {
      rejectUnauthorized: false,
      cert: orders.cert,
      key: orders.key,
      headers: { host },
    });
    const [message] = (await once(socket, "message")) as [Buffer];
    expect(message.toString()).toBe(fieldOf(orders));
    socket.close();
  });
});

describe("listeners of one port that validate each in its own way", () => {
  const at = (name: string, path = "/", client?: ClientKey, of = name): Promise<ClientAnswer> =>
    get(ports.shared, path, client, { host: of }, name);
  const noConnection = /ECONNRESET|socket hang up|alert/;

  test("the server name decides whether a certificate is asked for", async () => {
    expect((await at("open.test")).status).toBe(200);
    for (const name of ["strict.test", "a.strict.test", "STRICT.test"]) {
      await expect(at(name)).rejects.toThrow(noConnection);
      await expect(at(name, "/", stranger)).rejects.toThrow(noConnection);
      expect((await at(name, "/orders", orders)).status).toBe(200);
    }
    expect((await at("lenient.test", "/", stranger)).status).toBe(200);
    expect((await at("lenient.test", "/orders", stranger)).status).toBe(403);
    expect((await at("lenient.test", "/orders", orders)).status).toBe(200);
  });

  test("no connection of another name, or of none, carries requests for a host that asks for one", async () => {
    for (const name of ["open.test", "lenient.test", ""]) {
      expect((await at(name, "/", orders, "strict.test")).status).toBe(421);
      expect((await at(name, "/", undefined, "a.strict.test")).status).toBe(421);
    }
    expect((await at("strict.test", "/", orders, "open.test")).status).toBe(421);
    expect((await at("", "/", undefined, "open.test")).status).toBe(200);
  });

  test("nor does a session that another name has begun", async () => {
    const open = tlsConnect({ port: ports.shared, servername: "open.test", rejectUnauthorized: false });
    const [session] = (await once(open, "session")) as [Buffer];
    open.destroy();
    const resumed = tlsConnect({
      port: ports.shared,
      servername: "strict.test",
      rejectUnauthorized: false,
      session,
    });
    resumed.on("secureConnect", () => resumed.write("GET / HTTP/1.1\r\nHost: strict.test\r\n\r\n"));
    let text = "";
    resumed.on("data", (chunk: Buffer) => (text += chunk.toString()));
    await closed(resumed);
    expect(text).toBe("");
  });

  test("HTTP/2, and a ClientHello that comes in pieces", async () => {
    const pieces = connectTcp(ports.shared, "127.0.0.1");
    await once(pieces, "connect");
    // Each write of the handshake becomes many, so that the name is not in the first.
    const slow = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        for (let start = 0; start < chunk.length; start += 7) pieces.write(chunk.subarray(start, start + 7));
        done();
      },
      final(done) {
        pieces.end(done);
      },
    });
    pieces.setNoDelay(true);
    pieces.on("data", (chunk: Buffer) => slow.push(chunk)).on("end", () => slow.push(null));
    const session = http2Connect("https://strict.test", {
      createConnection: () =>
        tlsConnect({
          socket: slow,
          servername: "strict.test",
          ALPNProtocols: ["h2"],
          rejectUnauthorized: false,
          cert: orders.cert,
          key: orders.key,
        }),
    });
    const stream = session.request({ ":path": "/orders" });
    const [headers] = (await once(stream, "response")) as [{ ":status": number }];
    expect(headers[":status"]).toBe(200);
    stream.resume();
    session.destroy();
    pieces.destroy();
  });

  test.each(["GET / HTTP/1.1\r\n\r\n", "\u0016\u0003\u0001\u0000\u0000"])(
    "what is no ClientHello is hung up on",
    async (bytes) => {
      const socket = connectTcp(ports.shared, "127.0.0.1");
      socket.write(bytes);
      await closed(socket);
      expect((await at("open.test")).status).toBe(200);
    },
  );
});

describe("AllowInsecureFallback", () => {
  test("everyone is let in, but only who has a valid certificate is somebody", async () => {
    for (const client of [undefined, stranger, expired]) {
      expect((await get(ports.lenient, "/", client)).status).toBe(200);
      expect((await get(ports.lenient, "/orders", client)).status).toBe(403);
    }
    expect((await get(ports.lenient, "/orders", orders)).status).toBe(200);
    expect((await get(ports.lenient, "/payments", orders)).status).toBe(403);
  });

  test("without forwardClientCertificate the endpoint gets none", async () => {
    expect(clientCert(await get(ports.lenient, "/", orders, { "client-cert": ":AAAA:" }))).toBeUndefined();
  });
});

describe("connections of a TLS listener", () => {
  /** What the endpoint greets with; empty: the client is not let in. */
  async function greeting(client?: ClientKey): Promise<string> {
    const options = { host: "127.0.0.1", port: ports.tcp, servername: host, rejectUnauthorized: false };
    const socket = tlsConnect({ ...options, ...(client && { cert: client.cert, key: client.key }) });
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      socket.end();
    });
    socket.on("error", () => socket.destroy());
    await new Promise((done) => socket.once("close", done));
    return Buffer.concat(chunks).toString();
  }

  test("a valid certificate reaches the endpoint, any other and none do not", async () => {
    expect(await greeting(orders)).toBe("pod\n");
    const before = pod.connections.length;
    for (const client of [undefined, stranger, expired, revoked]) expect(await greeting(client)).toBe("");
    expect(pod.connections.length).toBe(before);
  });
});

test("a revoked certificate counts no more; one that is added to the list, from then on", async () => {
  const isRefused = (client: ClientKey): Promise<boolean> =>
    get(ports.listed, "/", client).then(
      () => false,
      () => true,
    );
  expect(await isRefused(revoked)).toBe(true);
  expect(await isRefused(orders)).toBe(false);
  await writeFile(join(directory, "revoked.pem"), await issueRevocationList(root, [orders, revoked], valid));
  await eventually("the new list counts", () => isRefused(orders));
  expect(await isRefused(await clientKey(root, "orders"))).toBe(false);
});

test("an authority that is added to the file counts without a restart", async () => {
  expect((await get(ports.lenient, "/orders", stranger)).status).toBe(403);
  const caFile = join(directory, "ca.pem");
  await writeFile(caFile, secondRoot.pem);
  await eventually(
    "the new authority",
    async () => (await get(ports.lenient, "/orders", stranger)).status === 200,
  );
  expect((await get(ports.lenient, "/orders", orders)).status).toBe(403);
});
