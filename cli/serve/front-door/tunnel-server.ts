// TLS of agents and of clients that forward ports, where it ends in the front door: they do not name their shard before.
import { createServer, type Server } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { SecureContext, TLSSocket } from "node:tls";
import { bounds } from "./bounds.ts";
import { tlsClientAuth } from "./connection-facts.ts";
import type { Proxy } from "./proxy.ts";
import { secureOptions } from "./secure-options.ts";
import type { ListenerSettings } from "./settings.ts";
import { tunnelRefusal } from "./tunnel-refusal.ts";

/** Wherever it ends. */
export const tunnelServerOptions = {
  handshakeTimeout: bounds.handshakeTimeoutMs,
  maxHeaderSize: bounds.headBytes,
  headersTimeout: bounds.headersTimeoutMs,
  requestTimeout: 60_000,
  keepAliveTimeout: 5_000,
  requestCert: true,
  // The verdict goes to the hub, which tells the agent why; a failed handshake could not.
  rejectUnauthorized: false,
} as const;

export function tunnelServer(
  settings: ListenerSettings,
  contextFor: (name: string) => SecureContext,
  proxy: Proxy,
  log: (line: string) => void,
): Server {
  const options = {
    ...secureOptions(settings),
    ...tunnelServerOptions,
    SNICallback: (name: string, done: (error: null, context: SecureContext) => void) =>
      done(null, contextFor(name)),
  };
  const server = createServer(options, (request: IncomingMessage, response: ServerResponse) => {
    const auth = tlsClientAuth(request.socket as TLSSocket);
    const refusal = tunnelRefusal(request, auth);
    if (!refusal) return proxy.handle(request, response, { clientAuth: auth });
    log(`refused ${request.method} ${request.url} from ${request.socket.remoteAddress}: ${refusal.code}`);
    response.writeHead(403, { "content-type": "application/json", connection: "close" });
    response.end(JSON.stringify(refusal));
  });
  server.on("upgrade", (request: IncomingMessage, socket: TLSSocket, head: Buffer) => {
    const auth = tlsClientAuth(socket);
    const refusal = tunnelRefusal(request, auth);
    if (!refusal) return proxy.upgrade(request, socket, head, { clientAuth: auth });
    log(`refused ${request.method} ${request.url} from ${socket.remoteAddress}: ${refusal.code}`);
    const body = JSON.stringify(refusal);
    socket.end(
      `HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    );
  });
  return server;
}
