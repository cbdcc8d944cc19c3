// An edge for tests: real TLS with client certificates, the hub's half of the handshake and of the session, joining and
// renewal. What it does not have is a gateway: tests open streams themselves.
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";
import { closeTable } from "#contract/tunnel/code.ts";
import { agentMessageSchema } from "#contract/tunnel/control-message.ts";
import type { AgentMessage, HubMessage } from "#contract/tunnel/control-message.ts";
import { hubSettings } from "#contract/tunnel/settings.ts";
import { joinRequestSchema } from "#contract/sync.ts";
import type { Trust, TunnelConfig } from "#contract/sync.ts";
import type { VerifiedIdentity } from "#contract/identity/certificate.ts";
import { HubHandshake } from "#traffic/tunnel/hub-handshake.ts";
import { TunnelSession } from "#traffic/tunnel/session.ts";
import type { TestAuthority } from "./authority.ts";
import { Journal } from "./journal.ts";

/** One authenticated agent connection, as the edge sees it. */
export interface EdgeConnection {
  readonly shard: number;
  readonly identity: VerifiedIdentity;
  readonly session: TunnelSession;
  readonly socket: WebSocket;
  /** Resolves when the session is over. */
  readonly closed: Promise<void>;
  send(message: HubMessage): void;
}

export type EdgeEvent =
  | { readonly type: "joined" }
  | { readonly type: "connected"; readonly connection: EdgeConnection }
  | { readonly type: "refused"; readonly code: string }
  | { readonly type: "draining"; readonly connection: EdgeConnection }
  | { readonly type: "disconnected"; readonly connection: EdgeConnection }
  | { readonly type: "message"; readonly connection: EdgeConnection; readonly message: AgentMessage };

export interface FakeEdgeOptions {
  readonly authority: TestAuthority;
  readonly tunnel: string;
  readonly token: string;
  /** Names in the edge's own certificate, and when that is valid; default 127.0.0.1, for an hour. */
  readonly names?: Parameters<TestAuthority["issueServer"]>[0];
  readonly config?: TunnelConfig;
  /** When those of agents are valid; default from now on, for an hour. */
  readonly certificates?: Parameters<TestAuthority["issueAgent"]>[2];
  /** How far ahead its clock is. */
  readonly aheadMs?: number;
  /** What it challenges agents with, in place of its own challenge. */
  readonly challenge?: (own: Uint8Array) => Uint8Array;
  readonly port?: number;
  /** What the hub verifies agents against; default the authority's. */
  readonly trust?: Trust;
}

export class FakeEdge {
  readonly url: string;
  readonly port: number;
  readonly events = new Journal<EdgeEvent>();
  readonly connections = new Set<EdgeConnection>();
  config: TunnelConfig | undefined;
  trust: Trust;
  /** Answer renewals; false: refuse them. */
  renews = true;
  /** Shards whose hubs let nobody in. */
  readonly shut = new Set<number>();
  readonly #options: FakeEdgeOptions;
  readonly #server;
  readonly #sockets;

  static async start(options: FakeEdgeOptions): Promise<FakeEdge> {
    const names = options.names ?? { ipAddresses: ["127.0.0.1"] };
    const server = createServer({
      ...(await options.authority.issueServer(names)),
      ca: options.authority.rootPem,
      requestCert: true,
      rejectUnauthorized: false,
    });
    server.listen(options.port ?? 0, "127.0.0.1");
    await once(server, "listening");
    return new FakeEdge(options, server);
  }

  private constructor(options: FakeEdgeOptions, server: ReturnType<typeof createServer>) {
    this.#options = options;
    this.#server = server;
    this.config = options.config;
    this.trust = options.trust ?? options.authority.trust;
    this.port = (server.address() as AddressInfo).port;
    this.url = `https://127.0.0.1:${this.port}`;
    this.#sockets = new WebSocketServer({ server, perMessageDeflate: false });
    this.#sockets.on("connection", (socket, request) => this.#accept(socket, request));
    server.on("request", (request, response) => void this.#join(request, response));
  }

  /** The connections that are open and not going away. */
  serving(): EdgeConnection[] {
    return [...this.connections].filter(({ session }) => !session.draining);
  }

  async stop(): Promise<void> {
    this.#sockets.clients.forEach((socket) => socket.terminate());
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #join(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { aheadMs = 0 } = this.#options;
    response.setHeader("date", new Date(Date.now() + aheadMs).toUTCString());
    if (request.method !== "POST") {
      response
        .writeHead(426)
        .end(JSON.stringify({ code: "upgrade_required", message: "a tunnel is a WebSocket" }));
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { token, tunnel, csrPem } = joinRequestSchema.parse(JSON.parse(Buffer.concat(chunks).toString()));
    if (token !== this.#options.token) {
      response
        .writeHead(403)
        .end(JSON.stringify({ code: "join_token_invalid", message: "the token is spent" }));
      return;
    }
    const { authority, certificates } = this.#options;
    const issued = await authority.issueAgent(csrPem, tunnel, certificates);
    response.writeHead(200).end(JSON.stringify(issued));
    this.events.add({ type: "joined" });
  }

  #accept(socket: WebSocket, request: IncomingMessage): void {
    const url = new URL(request.url ?? "/", this.url);
    if (this.shut.has(Number(url.searchParams.get("shard")))) return socket.terminate();
    const handshake = new HubHandshake({
      tunnel: this.#options.tunnel,
      shard: Number(url.searchParams.get("shard")),
      connection: randomUUID(),
      nonce: randomBytes(32),
      authority: request.headers.host ?? "",
      path: url.pathname,
      transportCertificate: (request.socket as TLSSocket).getPeerCertificate().raw ?? new Uint8Array(0),
      settings: hubSettings,
    });
    socket.once("message", (data) => void this.#judge(socket, handshake, data as Buffer, url));
    const { challenge = (own: Uint8Array): Uint8Array => own } = this.#options;
    socket.send(challenge(handshake.challenge()));
  }

  async #judge(socket: WebSocket, handshake: HubHandshake, data: Buffer, url: URL): Promise<void> {
    const result = await handshake.receive(data, this.trust, Date.now());
    socket.send(result.message);
    if (result.type === "refused") {
      socket.close(closeTable[result.close].number);
      this.events.add({ type: "refused", code: result.code });
      return;
    }
    this.#open(socket, result.identity, result.remote, Number(url.searchParams.get("shard")));
  }

  #open(
    socket: WebSocket,
    identity: VerifiedIdentity,
    remote: ConstructorParameters<typeof TunnelSession>[0]["remote"],
    shard: number,
  ): void {
    const closed = Promise.withResolvers<void>();
    const session = new TunnelSession(
      {
        role: "edge",
        local: hubSettings,
        remote,
        send: (message) => socket.send(message),
        schedule: setImmediate,
        handlers: {
          onStream: () => "refused",
          onControl: (text) => this.#control(connection, agentMessageSchema.parse(JSON.parse(text))),
          onDraining: () => this.events.add({ type: "draining", connection }),
          onDrained: () => session.close("normal", "drained"),
          onClose: ({ code }) => {
            socket.close(closeTable[code].number);
            this.connections.delete(connection);
            closed.resolve();
            this.events.add({ type: "disconnected", connection });
          },
        },
      },
      performance.now(),
    );
    const connection: EdgeConnection = {
      shard,
      identity,
      session,
      socket,
      closed: closed.promise,
      send: (message) => session.sendControl(JSON.stringify(message)),
    };
    socket.on("message", (message) => session.receive(message as Buffer, performance.now()));
    socket.on("close", () => session.lost("the socket closed"));
    this.connections.add(connection);
    if (this.config) connection.send({ type: "config", config: this.config });
    this.events.add({ type: "connected", connection });
  }

  #control(connection: EdgeConnection, message: AgentMessage): void {
    this.events.add({ type: "message", connection, message });
    if (message.type === "renew") void this.#renew(connection, message);
  }

  async #renew(
    connection: EdgeConnection,
    { id, csrPem }: Extract<AgentMessage, { type: "renew" }>,
  ): Promise<void> {
    if (!this.renews) {
      connection.send({ type: "renew-refused", id, error: { code: "unavailable", message: "not now" } });
      return;
    }
    const { authority, tunnel, certificates } = this.#options;
    const certificate = await authority.issueAgent(csrPem, tunnel, certificates);
    connection.send({ type: "renewed", id, certificate });
  }
}
