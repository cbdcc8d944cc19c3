// Certificates of clients at HTTPS listeners: who is let in, what rules make of it, what the endpoint hears.
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect as http2Connect } from "node:http2";
import { request as httpsRequest } from "node:https";
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
let ports: Record<"strict" | "lenient" | "listed" | "tcp", number>;
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
  const [strict, lenient, listed, tcp] = (await freePorts(4)) as [number, number, number, number];
  ports = { strict, lenient, listed, tcp };
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
function ask(
  port: number,
  path: string,
  client?: ClientKey,
  headers: Record<string, string> = {},
): Promise<ClientAnswer> {
  return new Promise((done, fail) => {
    const outgoing = httpsRequest(
      {
        host: "127.0.0.1",
        port,
        path,
        servername: host,
        rejectUnauthorized: false,
        agent: false,
        headers: { host, ...headers },
        ...(client && { cert: client.cert, key: client.key }),
      },
      (incoming) => {
        let text = "";
        incoming.on("data", (chunk: Buffer) => (text += chunk.toString()));
        incoming.once("end", () => {
          const status = incoming.statusCode ?? 0;
          done({ status, echo: status === 200 ? (JSON.parse(text) as Echo) : undefined });
        });
      },
    );
    outgoing.once("error", fail).end();
  });
}

describe("AllowValidOnly", () => {
  test("a client with a valid certificate is let in, and the endpoint gets it, not what the client says", async () => {
    const answer = await ask(ports.strict, "/", orders, {
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
    await expect(ask(ports.strict, "/", client())).rejects.toThrow(/ECONNRESET|socket hang up|alert/);
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

describe("AllowInsecureFallback", () => {
  test("everyone is let in, but only who has a valid certificate is somebody", async () => {
    for (const client of [undefined, stranger, expired]) {
      expect((await ask(ports.lenient, "/", client)).status).toBe(200);
      expect((await ask(ports.lenient, "/orders", client)).status).toBe(403);
    }
    expect((await ask(ports.lenient, "/orders", orders)).status).toBe(200);
    expect((await ask(ports.lenient, "/payments", orders)).status).toBe(403);
  });

  test("without forwardClientCertificate the endpoint gets none", async () => {
    expect(clientCert(await ask(ports.lenient, "/", orders, { "client-cert": ":AAAA:" }))).toBeUndefined();
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
    ask(ports.listed, "/", client).then(
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
  expect((await ask(ports.lenient, "/orders", stranger)).status).toBe(403);
  const caFile = join(directory, "ca.pem");
  await writeFile(caFile, secondRoot.pem);
  await eventually(
    "the new authority",
    async () => (await ask(ports.lenient, "/orders", stranger)).status === 200,
  );
  expect((await ask(ports.lenient, "/orders", orders)).status).toBe(403);
});
