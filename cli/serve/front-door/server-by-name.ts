// A port whose listeners ask clients for different certificates: the server name of the ClientHello decides which server
// does the handshake, for only a server as a whole can ask or not ask.
import { createServer, type Server, type Socket } from "node:net";
import type { Server as TlsServer } from "node:tls";
import { ClientHelloReader } from "#traffic/connection/client-hello.ts";

/**
 * The servers listen nowhere; `serverFor` gets the name in lower case, or an empty one. `timeoutMs`: how long a client may
 * take for its ClientHello.
 */
export function serverByName(
  serverFor: (serverName: string) => Pick<TlsServer, "emit">,
  timeoutMs: number,
): Server {
  return createServer({ noDelay: true, keepAlive: true }, (socket) => {
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    const forget = (): void => clearTimeout(timer);
    const giveUp = (): void => void socket.destroy();
    socket.once("close", forget).on("error", giveUp);
    readServerName(socket, (serverName) => {
      forget();
      socket.off("close", forget).off("error", giveUp);
      serverFor(serverName).emit("connection", socket);
    });
  });
}

/** Calls back once, with what was read put back; a connection that begins with no ClientHello is closed. */
function readServerName(socket: Socket, found: (serverName: string) => void): void {
  const reader = new ClientHelloReader();
  const seen: Buffer[] = [];
  const onReadable = (): void => {
    for (;;) {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      seen.push(chunk);
      const result = reader.push(chunk);
      if (result.type === "incomplete") continue;
      socket.off("readable", onReadable);
      if (result.type === "invalid") return void socket.destroy();
      socket.unshift(Buffer.concat(seen));
      return found(result.serverName ?? "");
    }
  };
  socket.on("readable", onReadable);
}
