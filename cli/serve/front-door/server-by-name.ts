// A port whose listeners ask clients for different certificates: the server name of the ClientHello decides which server
// does the handshake, for only a server as a whole can ask or not ask.
import { createServer, type Server } from "node:net";
import type { Server as TlsServer } from "node:tls";
import { readClientHello } from "./read-client-hello.ts";

/**
 * The servers listen nowhere; `serverFor` gets the name in lower case, or an empty one. `timeoutMs`: how long a client may
 * take for its ClientHello.
 */
export function serverByName(
  serverFor: (serverName: string) => Pick<TlsServer, "emit">,
  timeoutMs: number,
): Server {
  return createServer({ noDelay: true, keepAlive: true }, (socket) =>
    readClientHello(socket, timeoutMs, ({ serverName = "" }, start) => {
      socket.unshift(start);
      serverFor(serverName).emit("connection", socket);
    }),
  );
}
