// Authorities, certificates and pods of the tests in which TLS, or what a connection speaks, matter.
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import type { TLSSocket } from "node:tls";
import { WebSocketServer } from "ws";
import { issueAuthority, issueLeaf } from "#contract/identity/identity-fixture.ts";
import { exportPrivateKeyPem } from "#contract/identity/key-pair.ts";
import { listen, startTcpPod } from "../system/tcp.ts";

export interface KeyPairPem {
  readonly cert: string;
  readonly key: string;
}

/** Pods that greet with their names, one that answers requests over TLS, one over HTTP/2 alone, one on WebSockets. */
export type TlsPod =
  | "tcp-backend-v1"
  | "tcp-backend-v2"
  | "tcp-backend-v3"
  | "tls-backend"
  | "tls-backend-2"
  | "https-backend"
  | "h2c-backend"
  | "ws-backend";

export interface TlsWorld {
  /** PEM of the authority of pods, of that of clients, and of one that has issued nothing. */
  readonly authority: string;
  readonly clientAuthority: string;
  readonly strangerAuthority: string;
  /** Of the pods: abc.example.com, other.example.com and `podUri`. */
  readonly pod: KeyPairPem;
  readonly client: KeyPairPem;
  /** Of an authority that nobody trusts. */
  readonly strangerClient: KeyPairPem;
  readonly ports: Readonly<Record<TlsPod, number>>;
  stop(): Promise<void>;
}

export const podUri = "spiffe://abc.example.com/test-identity";

export async function startTlsWorld(): Promise<TlsWorld> {
  const valid = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
  const [pods, clients, stranger] = [
    await issueAuthority("pods", undefined, valid),
    await issueAuthority("clients", undefined, valid),
    await issueAuthority("strangers", undefined, valid),
  ];
  const pair = async (issued: Awaited<ReturnType<typeof issueLeaf>>): Promise<KeyPairPem> => ({
    cert: issued.pem,
    key: await exportPrivateKeyPem(issued.keyPair.privateKey),
  });
  const dnsNames = ["abc.example.com", "other.example.com"];
  const pod = await pair(await issueLeaf(pods, podUri, { ...valid, dnsNames, purposes: ["serverAuth"] }));
  const clientUri = "spiffe://example.com/ns/edge/sa/gateway";
  const client = await pair(await issueLeaf(clients, clientUri, valid));
  const strangerClient = await pair(await issueLeaf(stranger, clientUri, valid));

  const tcp = {
    "tcp-backend-v1": await startTcpPod("tcp-backend-v1"),
    "tcp-backend-v2": await startTcpPod("tcp-backend-v2"),
    "tcp-backend-v3": await startTcpPod("tcp-backend-v3"),
    "tls-backend": await startTcpPod("tls-backend", { tls: pod }),
    "tls-backend-2": await startTcpPod("tls-backend-2", { tls: pod }),
  };
  const https = createHttpsServer(
    { ...pod, ca: clients.pem, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const socket = request.socket as TLSSocket;
      const name = [socket.servername, socket.authorized && socket.getPeerCertificate().subjectaltname];
      response.end(JSON.stringify({ name: name.filter(Boolean).join(" ") }));
    },
  );
  // A gateway that does not trust it breaks the handshake off.
  https.on("tlsClientError", () => undefined);
  // By prior knowledge, and nothing else.
  const h2c = createHttp2Server((request, response) =>
    response.end(JSON.stringify({ name: `HTTP/${request.httpVersion}` })),
  );
  const plain = createHttpServer();
  const sockets = new WebSocketServer({ server: plain });
  sockets.on("connection", (socket) =>
    socket.on("message", (message) => socket.send(`echo ${String(message)}`)),
  );
  const answering = {
    "https-backend": await listen(https),
    "h2c-backend": await listen(h2c),
    "ws-backend": await listen(plain),
  };
  return {
    authority: pods.pem,
    clientAuthority: clients.pem,
    strangerAuthority: stranger.pem,
    pod,
    client,
    strangerClient,
    ports: {
      ...(Object.fromEntries(Object.entries(tcp).map(([name, { port }]) => [name, port])) as Record<
        keyof typeof tcp,
        number
      >),
      ...answering,
    },
    stop: async () => {
      https.closeAllConnections();
      https.close();
      h2c.close();
      for (const socket of sockets.clients) socket.terminate();
      plain.close();
      await Promise.all(Object.values(tcp).map((server) => server.stop()));
    },
  };
}
