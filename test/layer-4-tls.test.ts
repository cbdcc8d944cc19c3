// Connections whose TLS ends at the listener, or that came without, go on to endpoints in TLS of the backend's own: an
// authority of the house, a name, a client certificate. The agent of `isthmus serve` dials them (decision 0013).
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { issueAuthority, issueLeaf } from "#contract/identity/identity-fixture.ts";
import { exportPrivateKeyPem } from "#contract/identity/key-pair.ts";
import { createAuthority } from "../origin-agent/testing/authority.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { eventually, freePorts } from "./system/process.ts";
import { tcpClient, tlsClient } from "./system/tcp.ts";

const name = "db.internal";
const clientUri = "spiffe://example.com/ns/edge/sa/gateway";
const listeners = ["verified", "ended", "untrusted", "either"] as const;
type Listener = (typeof listeners)[number];

let system: System;
const pods: Server[] = [];
const portOf = {} as Record<Listener, number>;

/** Tells what it has seen of the connection, then sends back what it gets. */
async function startPod(certificate: { key: string; cert: string }, clientCa: string): Promise<number> {
  const pod = createServer(
    { ...certificate, ca: clientCa, requestCert: true, rejectUnauthorized: false, allowHalfOpen: true },
    (socket: TLSSocket) => {
      socket.on("error", () => socket.destroy());
      socket.write(`${String(socket.servername)} ${String(socket.getPeerCertificate().subjectaltname)}\n`);
      socket.pipe(socket);
    },
  );
  // A client that does not trust it breaks the handshake off.
  pod.on("tlsClientError", () => undefined);
  pods.push(pod.listen(0, "127.0.0.1"));
  await once(pod, "listening");
  return (pod.address() as AddressInfo).port;
}

beforeAll(async () => {
  const valid = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
  const [house, stranger] = [await createAuthority("house"), await createAuthority("stranger")];
  const clients = await issueAuthority("clients", undefined, valid);
  const leaf = await issueLeaf(clients, clientUri, valid);
  const trusted = await startPod(await house.issueServer({ dnsNames: [name] }), clients.pem);
  const unknown = await startPod(await stranger.issueServer({ dnsNames: [name] }), clients.pem);
  const ports = await freePorts(listeners.length);
  for (const [index, listener] of listeners.entries()) portOf[listener] = ports[index]!;
  const tls = {
    hostname: name,
    caFiles: ["house.pem"],
    clientCertificate: { certFile: "client.crt", keyFile: "client.key" },
  };
  const backend = (called: string, ...at: number[]) => ({
    name: called,
    protocol: "TLS",
    tls,
    endpoints: at.map((port) => ({ address: "127.0.0.1", port })),
  });
  const config = {
    listeners: listeners.map((one) => ({
      name: one,
      port: portOf[one],
      ...(one === "ended" ? { protocol: "TLS", tls: { mode: "Terminate" } } : { protocol: "TCP" }),
    })),
    tcpRoutes: listeners.map((one) => ({
      name: one,
      listeners: [one],
      rules: [{ backendRefs: [{ name: one === "ended" ? "verified" : one }] }],
    })),
    backends: [
      backend("verified", trusted),
      backend("untrusted", unknown),
      backend("either", unknown, trusted),
    ],
    accessLog: { mode: "all" },
  };
  system = await startSystem(JSON.stringify(config), ["--processes", "1", "--dev-tls"], {
    tunnel: false,
    files: {
      "house.pem": house.rootPem,
      "client.crt": leaf.pem,
      "client.key": await exportPrivateKeyPem(leaf.keyPair.privateKey),
    },
  });
  // The agent connects a moment after the gateway serves.
  await eventually("the agent serves", async () => {
    const client = tcpClient(portOf.verified);
    client.end();
    return ((await client.all)?.length ?? 0) > 0;
  });
});
afterAll(async () => {
  await system?.stop();
  for (const pod of pods) pod.close();
});

const greeting = `${name} URI:${clientUri}\n`;

test.each([
  ["that came without TLS", () => tcpClient(portOf.verified)],
  ["whose TLS ended at the listener", () => tlsClient(portOf.ended, "db.example.com")],
])(
  "a connection %s is encrypted to the endpoint, under the backend's name and certificate",
  async (_, open) => {
    const client = open();
    expect(await client.until("\n")).toBe(greeting);
    const bulk = "x".repeat(300_000);
    client.end(bulk);
    expect((await client.all)?.length).toBe(greeting.length + bulk.length);
  },
);

test("no byte goes to an endpoint of another authority", async () => {
  const client = tcpClient(portOf.untrusted);
  client.write("secret");
  expect((await client.all)?.length ?? 0).toBe(0);
  await system.program.printed(/"route":"untrusted".*"error":"endpoint_certificate_untrusted"/);
});

test("another endpoint is tried, since nothing has been sent", async () => {
  for (let index = 0; index < 4; index += 1) {
    const client = tcpClient(portOf.either);
    client.end("hello");
    expect((await client.all)?.toString()).toBe(`${greeting}hello`);
  }
});
