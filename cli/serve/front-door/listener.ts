// One TLS listener of the front door: handshake, certificate choice, bounds on what a client may hold open.
import { createSecureServer, type Http2SecureServer, type Http2Session } from "node:http2";
import { createServer, type Server as HttpsServer } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import { constants } from "node:crypto";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { createCertificateChoice, type CertificateChoice } from "./certificate-choice.ts";
import { tlsClientAuth } from "./connection-facts.ts";
import { createProxy } from "./proxy.ts";
import type { ListenerSettings } from "./settings.ts";
import { tunnelRefusal } from "./tunnel-refusal.ts";

/** Bounds of one front-door process, per listening socket. */
const bounds = {
  connections: 20_000,
  headBytes: 64 * 1024,
  handshakeTimeoutMs: 10_000,
  headersTimeoutMs: 20_000,
  keepAliveTimeoutMs: 75_000,
  streamsPerConnection: 250,
  /** HTTP/2 default is 64 KiB: 25 MB/s on loopback, far less on a long line. */
  streamWindowBytes: 1024 * 1024,
  connectionWindowBytes: 4 * 1024 * 1024,
} as const;

export interface Listener {
  /** New certificates and trust hold for connections that come from now on. */
  update(settings: ListenerSettings): void;
  /** Takes no new connection; resolves when the last request has ended. */
  drain(): Promise<void>;
}

type Server = Http2SecureServer | HttpsServer;

export async function openListener(
  settings: ListenerSettings,
  log: (line: string) => void,
): Promise<Listener> {
  let choice = createCertificateChoice(settings.certificates, sharedOptions(settings));
  const proxy = createProxy(settings.upstream, log);
  const sessions = new Set<Http2Session>();
  const servers: Server[] = settings.fds.map(() =>
    settings.kind === "https"
      ? httpsServer(settings, () => choice, proxy, sessions)
      : tunnelServer(settings, () => choice, proxy, log),
  );
  await Promise.all(servers.map((server, index) => listen(server, settings.fds[index]!, settings.name, log)));
  return {
    update(next) {
      choice = createCertificateChoice(next.certificates, sharedOptions(next));
      for (const server of servers) server.setSecureContext(secureOptions(next));
    },
    async drain() {
      const closed = servers.map((server) => new Promise<void>((done) => server.close(() => done())));
      for (const session of sessions) session.close();
      for (const server of servers) if ("closeIdleConnections" in server) server.closeIdleConnections();
      await Promise.all(closed);
      proxy.close();
    },
  };
}

type ProxyOf = ReturnType<typeof createProxy>;

function httpsServer(
  settings: ListenerSettings,
  choice: () => CertificateChoice,
  proxy: ProxyOf,
  sessions: Set<Http2Session>,
): Http2SecureServer {
  const server = createSecureServer(
    {
      ...secureOptions(settings),
      allowHTTP1: true,
      SNICallback: (name, done) => done(null, choice().contextFor(name)),
      handshakeTimeout: bounds.handshakeTimeoutMs,
      settings: {
        maxConcurrentStreams: bounds.streamsPerConnection,
        maxHeaderListSize: bounds.headBytes,
        initialWindowSize: bounds.streamWindowBytes,
      },
    },
    (request, response) => proxy.handle(request, response),
  );
  // HTTP/1.1 on this server takes these from properties (node:http2 leaves them out of its options). An upload may last
  // as long as it likes, a head may not.
  Object.assign(server, {
    maxHeaderSize: bounds.headBytes,
    headersTimeout: bounds.headersTimeoutMs,
    requestTimeout: 0,
    keepAliveTimeout: bounds.keepAliveTimeoutMs,
  });
  server.on("session", (session) => {
    sessions.add(session);
    session.setLocalWindowSize(bounds.connectionWindowBytes);
    session.once("close", () => sessions.delete(session));
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) =>
    proxy.upgrade(request, socket, head),
  );
  return server;
}

function tunnelServer(
  settings: ListenerSettings,
  choice: () => CertificateChoice,
  proxy: ProxyOf,
  log: (line: string) => void,
): HttpsServer {
  const server = createServer(
    {
      ...secureOptions(settings),
      SNICallback: (name, done) => done(null, choice().contextFor(name)),
      handshakeTimeout: bounds.handshakeTimeoutMs,
      maxHeaderSize: bounds.headBytes,
      headersTimeout: bounds.headersTimeoutMs,
      requestTimeout: 60_000,
      keepAliveTimeout: 5_000,
      requestCert: true,
      // The verdict goes to the Worker, which tells the agent why; a failed handshake could not.
      rejectUnauthorized: false,
    },
    (request: IncomingMessage, response: ServerResponse) => {
      const auth = tlsClientAuth(request.socket as TLSSocket);
      const refusal = tunnelRefusal(request, auth);
      if (!refusal) return proxy.handle(request, response, auth);
      log(`refused ${request.method} ${request.url} from ${request.socket.remoteAddress}: ${refusal.code}`);
      response.writeHead(403, { "content-type": "application/json", connection: "close" });
      response.end(JSON.stringify(refusal));
    },
  );
  server.on("upgrade", (request: IncomingMessage, socket: TLSSocket, head: Buffer) => {
    const auth = tlsClientAuth(socket);
    const refusal = tunnelRefusal(request, auth);
    if (!refusal) return proxy.upgrade(request, socket, head, auth);
    log(`refused ${request.method} ${request.url} from ${socket.remoteAddress}: ${refusal.code}`);
    const body = JSON.stringify(refusal);
    socket.end(
      `HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    );
  });
  return server;
}

/** What holds whichever certificate is chosen. */
function sharedOptions({ trustPem, kind }: ListenerSettings): { ca?: string; secureOptions?: number } {
  // A resumed session would keep the verdict on a certificate that has since expired, or whose root was rotated away.
  return kind === "tunnel" ? { ca: trustPem, secureOptions: constants.SSL_OP_NO_TICKET } : {};
}

function secureOptions(settings: ListenerSettings): { cert: string; key: string; ca?: string } {
  const { certPem, keyPem } = settings.certificates[0]!;
  return { ...sharedOptions(settings), cert: certPem, key: keyPem };
}

function listen(server: Server, fd: number, name: string, log: (line: string) => void): Promise<void> {
  server.maxConnections = bounds.connections;
  // A client that fails the handshake or sends no HTTP is its own fault; it never ends this process.
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  server.on("error", (error) => log(`listener ${name}: ${error.message}`));
  return new Promise((done, fail) => {
    server.once("error", fail);
    server.listen({ fd }, done);
  });
}
