// A server that listens nowhere: another one accepts, looks at how a connection begins, and hands it over.
import type { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";

export function innerServer<Server extends EventEmitter>(server: Server): Server {
  // It watches the time limits of heads from the moment it would listen.
  server.emit("listening");
  return server.on("tlsClientError", (_error: Error, socket: Duplex) => socket.destroy());
}
