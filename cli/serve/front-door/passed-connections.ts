// TLS that passes through a port at which other TLS ends: the bytes go on to workerd as they are, ClientHello and all.
import { createServer, type Server, type Socket } from "node:net";
import type { SocketPlace } from "#traffic/connection/proxy-protocol.ts";
import { passOn, placesOf } from "./tls-listener.ts";

/** Listens nowhere. `clientOf`: whom a proxy in front has named as the client. */
export function passedConnections(
  upstream: string,
  clientOf: (socket: Socket) => SocketPlace | undefined,
  log: (line: string) => void,
): Server {
  return createServer((socket) => {
    // Each side ends by itself, though whoever accepted it takes that for the end of both.
    socket.allowHalfOpen = true;
    // A client that breaks off is its own fault; closing tells whoever is at the other end.
    socket.on("error", () => socket.destroy());
    const source = clientOf(socket);
    passOn(socket, { ...placesOf(socket), ...(source && { source }) }, upstream, log);
  });
}
