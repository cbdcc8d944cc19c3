// One listener of the front door: handshake, certificate choice, bounds on what a client may hold open.
import {
  createSecureServer,
  createServer as createHttp2Server,
  type Http2SecureServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type Http2Session,
} from "node:http2";
import type { Server as HttpsServer } from "node:https";
import { createServer as createHttp1Server, type IncomingMessage } from "node:http";
import type { EventEmitter } from "node:events";
import { Server as TcpServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import {
  createServer as createTlsServer,
  type SecureContext,
  type Server as TlsServer,
  type TLSSocket,
} from "node:tls";
import { awakeDelay } from "#hub/awake-delay.ts";
import { chooseByHost } from "#traffic/match/listener-table.ts";
import { bounds } from "./bounds.ts";
import { createCertificateChoice, type CertificateChoice } from "./certificate-choice.ts";
import { ConnectionGate } from "./connection-gate.ts";
import { tlsClientAuth, type Peer } from "./connection-facts.ts";
import type { InformationalAnswers } from "./informational.ts";
import { innerServer } from "./inner-server.ts";
import { passedConnections } from "./passed-connections.ts";
import { plainServer } from "./plain-server.ts";
import { ProxiedClients, proxiedServer } from "./proxied-client.ts";
import { createProxy } from "./proxy.ts";
import type { Incoming } from "./incoming.ts";
import type { Outgoing } from "./answer.ts";
import { secureOptions, sharedOptions } from "./secure-options.ts";
import { serverByName } from "./server-by-name.ts";
import type { ListenerSettings } from "./settings.ts";
import { tlsConnections } from "./tls-listener.ts";
import { type PassOn, tunnelPort } from "./tunnel-port.ts";
import { tunnelServer } from "./tunnel-server.ts";

/** Time in which a client that is busy gets the answer that tells it to open another connection. */
const lastAnswersMs = 1_000;

export interface Listener {
  /** New certificates and trust hold for connections that come from now on. */
  update(settings: ListenerSettings): void;
  /** Takes no new connection; resolves when the last request has ended. */
  drain(): Promise<void>;
}

/** What the listeners of a process share. */
export interface ListenerPort {
  log(line: string): void;
  readonly informational: InformationalAnswers | undefined;
  /** For connections of the tunnel that name their shard. */
  readonly passOn: PassOn;
}

export function openListener(settings: ListenerSettings, port: ListenerPort): Promise<Listener> {
  return settings.kind === "tls" ? openConnections(settings, port) : openRequests(settings, port);
}

async function openConnections(settings: ListenerSettings, { log }: ListenerPort): Promise<Listener> {
  let choice = certificateChoice(settings);
  const sides = settings.fds.map(() => {
    const secure = secureServer(settings, (name) => choice.contextFor(name));
    return { secure, ...tlsConnections(settings, secure, bounds.handshakeTimeoutMs, log) };
  });
  await Promise.all(
    sides.map(({ server }, index) => listen(server, settings.fds[index]!, settings.name, log)),
  );
  return {
    update(next) {
      choice = certificateChoice(next);
      for (const { secure } of sides) secure.setSecureContext(secureOptions(next));
    },
    async drain() {
      for (const { server } of sides) server.close();
      await Promise.all(sides.map(({ ended }) => ended()));
    },
  };
}

/** Does handshakes, and listens nowhere. */
function secureServer(settings: ListenerSettings, contextFor: (name: string) => SecureContext): TlsServer {
  return createTlsServer({
    ...secureOptions(settings),
    SNICallback: (name, done) => done(null, contextFor(name)),
    handshakeTimeout: bounds.handshakeTimeoutMs,
    requestCert: settings.clientCertificates !== undefined,
    rejectUnauthorized: settings.clientCertificates === "required",
    allowHalfOpen: true,
  });
}

async function openRequests(
  settings: ListenerSettings,
  { log, informational, passOn }: ListenerPort,
): Promise<Listener> {
  let choices = settings.kind === "http" ? [] : withEachPolicy(settings).map(certificateChoice);
  const socketPathOf = (target: string): string => upstreamOf(settings, target);
  const proxy = createProxy({ socketPathOf, informational, log });
  const serving: Serving = { proxy, sessions: new Set(), clients: new ProxiedClients() };
  const contextOf =
    (index: number) =>
    (name: string): SecureContext =>
      choices[index]!.contextFor(name);
  const open = (): OpenServer => {
    if (settings.kind === "http") return plainServers(settings, serving);
    if (settings.kind === "tunnel") {
      const secure = tunnelServer(settings, contextOf(0), proxy, log);
      return { server: tunnelPort(secure, passOn), http1: [secure], secure: [secure] };
    }
    const secure = withEachPolicy(settings).map((one, index) => httpsServer(one, contextOf(index), serving));
    const server = settings.policies ? byName(settings, secure, serving, log) : secure[0]!;
    return { server, http1: secure, secure };
  };
  const { connection } = settings;
  const gate =
    connection && new ConnectionGate(connection, (line) => log(`listener ${settings.name}: ${line}`));
  const servers = settings.fds.map(() => behindProxies(open(), settings, serving, gate));
  await Promise.all(
    servers.map(({ server }, index) => listen(server, settings.fds[index]!, settings.name, log)),
  );
  return {
    update(next) {
      if (next.kind === "http") return;
      const each = withEachPolicy(next);
      choices = each.map(certificateChoice);
      for (const { secure } of servers)
        for (const [index, server] of secure.entries()) server.setSecureContext(secureOptions(each[index]!));
    },
    async drain() {
      // Of connections that clients keep, those in use close with their next answer; the rest is closed after that, so
      // that hardly a request meets a connection that is just being closed.
      proxy.announceEnd();
      const closed = servers.map(({ server }) => stopAccepting(server));
      for (const session of serving.sessions) session.close();
      await awakeDelay(lastAnswersMs);
      for (const one of servers.flatMap(({ http1 }) => http1)) closeIdleConnections(one);
      await Promise.all(closed);
      proxy.close();
    },
  };
}

/** Agents name the shard that they dial; whoever names none, or joins, is as well served by the first. */
function upstreamOf({ upstreams }: ListenerSettings, target: string): string {
  const shard = /[?&]shard=(\d{1,3})(?:&|$)/.exec(target)?.[1];
  return upstreams[Number(shard ?? 0)] ?? upstreams[0]!;
}

/** Node's servers of HTTP/2 have the method where they speak HTTP/1.1, too, which its types do not know. */
function closeIdleConnections(server: { closeIdleConnections?(): void }): void {
  server.closeIdleConnections?.();
}

/** `close` of HTTP servers closes idle connections at once; that of a plain server only stops accepting. */
function stopAccepting(server: OpenServer["server"]): Promise<void> {
  return new Promise((done) => TcpServer.prototype.close.call(server, () => done()));
}

interface OpenServer {
  readonly server: TcpServer | Http2SecureServer | HttpsServer;
  /** Which of its servers have the connections of HTTP/1.1. */
  readonly http1: readonly object[];
  /** Those that do handshakes, in the order of the policies. */
  readonly secure: readonly (Http2SecureServer | HttpsServer)[];
}

/** The settings as they are for the clients of each policy; the number of policies stays while the process runs. */
function withEachPolicy(settings: ListenerSettings): readonly ListenerSettings[] {
  const { policies, clientCertificates: _asked, ...rest } = settings;
  return policies?.map(({ hostnames: _names, ...policy }) => ({ ...rest, ...policy })) ?? [settings];
}

interface NamedServer {
  readonly hostnames: readonly string[];
  readonly server: TcpServer;
}

function byName(
  { policies = [], passed }: ListenerSettings,
  servers: readonly Http2SecureServer[],
  { clients }: Serving,
  log: (line: string) => void,
): TcpServer {
  for (const server of servers) innerServer(server);
  const named = policies.map(({ hostnames }, index): NamedServer => ({ hostnames, server: servers[index]! }));
  if (passed) {
    const server = passedConnections(passed.upstream, (socket) => clients.of(socket), log);
    named.push({ hostnames: passed.hostnames, server });
  }
  const choose = chooseByHost(named.map((one) => ({ ...one, hostnames: [...one.hostnames] })));
  return serverByName((name) => choose(name).server, bounds.handshakeTimeoutMs);
}

/** What all servers of a listener share. */
interface Serving {
  readonly proxy: ReturnType<typeof createProxy>;
  readonly sessions: Set<Http2Session>;
  readonly clients: ProxiedClients;
}

/** With the PROXY protocol read before anything else, where the listener takes it, and its limits in between. */
function behindProxies(
  open: OpenServer,
  { proxyProtocol }: ListenerSettings,
  { clients }: Serving,
  gate: ConnectionGate | undefined,
): OpenServer {
  const addressOf = (socket: Socket): string | undefined =>
    clients.of(socket)?.address ?? socket.remoteAddress;
  const known = gate ? gate.byClient(open.server, addressOf) : open.server;
  const named = proxyProtocol
    ? proxiedServer(known, proxyProtocol, clients, bounds.handshakeTimeoutMs)
    : known;
  return { ...open, server: gate ? gate.inFrontOf(named) : named };
}

const http2Options = {
  settings: {
    maxConcurrentStreams: bounds.streamsPerConnection,
    maxHeaderListSize: bounds.headBytes,
    initialWindowSize: bounds.streamWindowBytes,
    // WebSockets over HTTP/2 (RFC 8441).
    enableConnectProtocol: true,
  },
};

/** An upload may last as long as it likes, a head may not. */
const http1Options = {
  maxHeaderSize: bounds.headBytes,
  headersTimeout: bounds.headersTimeoutMs,
  requestTimeout: 0,
  keepAliveTimeout: bounds.keepAliveTimeoutMs,
};

function httpsServer(
  settings: ListenerSettings,
  contextFor: (name: string) => SecureContext,
  serving: Serving,
): Http2SecureServer {
  const server = createSecureServer(
    {
      ...secureOptions(settings),
      ...http2Options,
      allowHTTP1: true,
      requestCert: settings.clientCertificates !== undefined,
      // Where they are optional, the Worker hears the verdict and decides by its rules.
      rejectUnauthorized: settings.clientCertificates === "required",
      SNICallback: (name, done) => done(null, contextFor(name)),
      handshakeTimeout: bounds.handshakeTimeoutMs,
    },
    (request, response) => serving.proxy.handle(request, response, peerOf(settings, serving, request.socket)),
  );
  // node:http2 leaves those of HTTP/1.1 out of its options and takes them from properties.
  Object.assign(server, http1Options);
  serveHttp2(server, settings, serving);
  serveExpectations(server, settings, serving);
  serveUpgrades(server, settings, serving);
  return server;
}

/** With the verdict on the client's certificate, where the listener asks for one. */
function peerOf({ clientCertificates }: ListenerSettings, { clients }: Serving, socket: Duplex): Peer {
  return {
    clientAuth: clientCertificates === undefined ? undefined : tlsClientAuth(socket as TLSSocket),
    client: clients.of(socket as TLSSocket),
  };
}

function plainServers(settings: ListenerSettings, serving: Serving): OpenServer {
  const handle = (request: Incoming, response: Outgoing): void =>
    serving.proxy.handle(request, response, peerOf(settings, serving, request.socket));
  const http1 = createHttp1Server(http1Options, handle);
  serveExpectations(http1, settings, serving);
  serveUpgrades(http1, settings, serving);
  if (!settings.http2) return { server: http1, http1: [http1], secure: [] };
  const http2 = createHttp2Server(http2Options, handle);
  serveHttp2(http2, settings, serving);
  serveExpectations(http2, settings, serving);
  return { server: plainServer(http1, http2, bounds.headersTimeoutMs), http1: [http1], secure: [] };
}

function serveHttp2(
  server: Http2Server | Http2SecureServer,
  settings: ListenerSettings,
  serving: Serving,
): void {
  server.on("session", (session: Http2Session) => {
    serving.sessions.add(session);
    session.setLocalWindowSize(bounds.connectionWindowBytes);
    session.once("close", () => serving.sessions.delete(session));
  });
  server.on("connect", (request: Http2ServerRequest, response: Http2ServerResponse) =>
    serving.proxy.connect(request, response, peerOf(settings, serving, request.socket)),
  );
}

/** Without a listener for it Node would tell the client to go on before anybody has seen the request. */
function serveExpectations(server: EventEmitter, settings: ListenerSettings, serving: Serving): void {
  server.on("checkContinue", (request: Incoming, response: Outgoing) =>
    serving.proxy.handle(request, response, peerOf(settings, serving, request.socket), true),
  );
}

function serveUpgrades(server: EventEmitter, settings: ListenerSettings, serving: Serving): void {
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) =>
    serving.proxy.upgrade(request, socket, head, peerOf(settings, serving, socket)),
  );
}

function certificateChoice(settings: ListenerSettings): CertificateChoice {
  return createCertificateChoice(settings.certificates, sharedOptions(settings));
}

function listen(
  server: OpenServer["server"] | TcpServer,
  fd: number,
  name: string,
  log: (line: string) => void,
): Promise<void> {
  server.maxConnections = bounds.connections;
  // A client that fails the handshake or sends no HTTP is its own fault; it never ends this process.
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  server.on("error", (error) => log(`listener ${name}: ${error.message}`));
  return new Promise((done, fail) => {
    server.once("error", fail);
    server.listen({ fd }, done);
  });
}
