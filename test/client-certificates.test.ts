// Certificates of clients at HTTPS listeners: who is let in, what rules make of it, what the endpoint hears.
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect as http2Connect } from "node:http2";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { type FixtureCertificate, issueAuthority, issueLeaf } from "#contract/identity/identity-fixture.ts";
import { exportPrivateKeyPem } from "#contract/identity/key-pair.ts";
import { startEchoServer, type Echo, type EchoServer } from "./system/echo-server.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { eventually, freePorts } from "./system/process.ts";

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
let ports: Record<"strict" | "lenient", number>;
let orders: ClientKey;
let stranger: ClientKey;
let expired: ClientKey;
let secondRoot: FixtureCertificate;

const dayMs = 86_400_000;
const valid = { notBeforeMs: Date.now() - dayMs, notAfterMs: Date.now() + dayMs };

async function clientKey(issuer: FixtureCertificate, name: string, times = valid): Promise<ClientKey> {
  const leaf = await issueLeaf(issuer, spiffe(name), times);
  return { cert: leaf.pem, key: await exportPrivateKeyPem(leaf.keyPair.privateKey), der: leaf.der };
}

beforeAll(async () => {
  const root = await issueAuthority("clients", undefined, valid);
  secondRoot = await issueAuthority("other clients", undefined, valid);
  orders = await clientKey(root, "orders");
  stranger = await clientKey(secondRoot, "orders");
  expired = await clientKey(root, "orders", { ...valid, notAfterMs: Date.now() - 1000 });
  directory = await mkdtemp(join(tmpdir(), "isthmus-clients-"));
  const caFile = join(directory, "ca.pem");
  await writeFile(caFile, root.pem);
  origin = await startEchoServer("origin");
  new WebSocketServer({ server: origin.server, path: "/socket" }).on("connection", (socket, request) =>
    socket.send(String(request.headers["client-cert"])),
  );
  const [strict, lenient] = (await freePorts(2)) as [number, number];
  ports = { strict, lenient };
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
`,
    ["--dev-tls", "--processes", "1"],
  );
});
afterAll(async () => {
  await system?.stop();
  await origin?.stop();
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
