// TLS of agents and of clients that forward ports, whose connections the tunnel's front door has passed on because they name
// this hub's shard (decision 0023).
import { createServer, type Server } from "node:https";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { parseShard } from "#contract/tunnel/target.ts";
import { refusal, type Verdict } from "#hub/door-verdict.ts";
import type { HubRuntime } from "#hub/hub-runtime.ts";
import { connectionFacts, tlsClientAuth } from "../front-door/connection-facts.ts";
import { innerServer } from "../front-door/inner-server.ts";
import { malformation } from "../front-door/malformation.ts";
import { secureOptions } from "../front-door/secure-options.ts";
import { tunnelRefusal } from "../front-door/tunnel-refusal.ts";
import { tunnelServerOptions } from "../front-door/tunnel-server.ts";
import type { Hubs } from "./hubs.ts";
import type { TunnelTls } from "./settings.ts";
import { serveArrivals, type Surroundings } from "./tunnel-server.ts";

/** Of all that have been passed on and are open. A hub itself lets in far fewer; more are strangers. */
const maxConnections = 4_096;

export class SecureDoor {
  readonly #server: Server = createServer(tunnelServerOptions);
  readonly #open = new Set<Socket>();
  #hasTls = false;
  #whenEmpty: (() => void) | undefined;

  constructor(hubs: Hubs, runtime: HubRuntime, shard: number) {
    const server = this.#server;
    serveArrivals(server, hubs, runtime, (request) => look(request, shard, runtime));
    innerServer(server);
  }

  /** For connections that come from now on. */
  setTls({ certificate, trustPem }: TunnelTls): void {
    this.#server.setSecureContext(secureOptions({ certificates: [certificate], trustPem, crls: [] }));
    this.#hasTls = true;
  }

  /** `start`: what has been read of it. */
  take(socket: Socket, start: Buffer): void {
    if (!this.#hasTls || this.#open.size >= maxConnections) return void socket.destroy();
    this.#open.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => {
      this.#open.delete(socket);
      if (this.#open.size === 0) this.#whenEmpty?.();
    });
    socket.unshift(start);
    this.#server.emit("connection", socket);
  }

  closeIdleConnections(): void {
    this.#server.closeIdleConnections();
  }

  /** Resolves when nothing is open. */
  ended(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((done) => {
      this.#whenEmpty = done;
    });
  }
}

function look(request: IncomingMessage, shard: number, runtime: HubRuntime): Surroundings | Verdict {
  const { method = "GET", url = "/", httpVersion, headers } = request;
  const socket = request.socket as TLSSocket;
  const auth = tlsClientAuth(socket);
  const refused = tunnelRefusal(request, auth);
  if (refused) {
    runtime.log("warn", `refused ${method} ${url} from ${socket.remoteAddress}: ${refused.code}`);
    return refusal(403, refused);
  }
  if (malformation(request) || (headers.upgrade !== undefined && method !== "GET")) {
    return refusal(400, { code: "request_malformed", message: "the request is not one of HTTP/1.1" });
  }
  if (namesOtherShard(url, shard)) {
    return refusal(421, { code: "shard_mismatch", message: "the handshake was for another shard" });
  }
  return { scheme: "https", facts: connectionFacts(socket, httpVersion, { clientAuth: auth }, {}) };
}

function namesOtherShard(target: string, shard: number): boolean {
  if (!URL.canParse(target, "https://edge/")) return false;
  const url = new URL(target, "https://edge/");
  return url.searchParams.has("shard") && parseShard(url) !== shard;
}
