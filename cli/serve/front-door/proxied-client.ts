// The PROXY protocol in front of a connection: whom its sender names as the client, and the bytes behind it.
import { createServer, type Server, type Socket } from "node:net";
import {
  type ProxiedConnection,
  readProxyHeader,
  type SocketPlace,
} from "#traffic/connection/proxy-protocol.ts";
import { type AcceptedProxyProtocol, proxySenders } from "#traffic/connection/proxy-senders.ts";
import { innerServer } from "./inner-server.ts";

type SocketEnds = Pick<Socket, "remoteAddress" | "remotePort" | "localAddress" | "localPort">;

/** What was said of the connections that are open. Servers of TLS make sockets of their own, with the same two ends. */
export class ProxiedClients {
  readonly #places = new Map<string, SocketPlace>();

  /** Undefined: the socket's other end speaks for itself. */
  of(socket: SocketEnds): SocketPlace | undefined {
    return this.#places.size === 0 ? undefined : this.#places.get(endsOf(socket));
  }

  keep(socket: Socket, source: SocketPlace): void {
    const ends = endsOf(socket);
    this.#places.set(ends, source);
    socket.once("close", () => {
      // The same ends may meanwhile be those of another connection.
      if (this.#places.get(ends) === source) this.#places.delete(ends);
    });
  }
}

export function endsOf({ remoteAddress, remotePort, localAddress, localPort }: SocketEnds): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

/**
 * Reads the header of each connection, hands what follows to `server`, which listens nowhere, and closes those without one.
 * `timeoutMs`: how long a sender may take.
 */
export function proxiedServer(
  server: Server,
  accepted: AcceptedProxyProtocol,
  clients: ProxiedClients,
  timeoutMs: number,
): Server {
  innerServer(server);
  const read = proxyHeaders(accepted);
  const outer = createServer({ noDelay: true, keepAlive: true }, (socket) => {
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    const forget = (): void => clearTimeout(timer);
    const ignore = (): void => undefined;
    socket.once("close", forget).on("error", ignore);
    read(socket, ({ source }) => {
      forget();
      socket.off("close", forget).off("error", ignore);
      if (source) clients.keep(socket, source);
      server.emit("connection", socket);
    });
  });
  outer.once("close", () => server.emit("close"));
  return outer;
}

/** Calls `begin` with what the header of a connection says; what follows it stays in the socket. */
export function proxyHeaders(
  accepted: AcceptedProxyProtocol,
): (socket: Socket, begin: (proxied: ProxiedConnection) => void) => void {
  const presenceOf = proxySenders(accepted);
  return (socket, begin) => {
    const presence = presenceOf(socket.remoteAddress);
    if (presence === "never") return begin({});
    let seen = Buffer.alloc(0);
    const onReadable = (): void => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      seen = Buffer.concat([seen, chunk]);
      const result = readProxyHeader(seen);
      if (result.type === "incomplete") return;
      socket.off("readable", onReadable);
      const isAccepted = result.type === "header" || (result.type === "absent" && presence === "optional");
      if (!isAccepted) return void socket.destroy();
      socket.unshift(result.type === "header" ? seen.subarray(result.lengthBytes) : seen);
      begin(result.type === "header" ? result.connection : {});
    };
    socket.on("readable", onReadable);
  };
}
