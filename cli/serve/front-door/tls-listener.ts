// A TLS listener whose connections carry something else than HTTP: TLS ends here, the bytes go on to workerd, with the
// PROXY protocol in front so that the gateway knows client and server name.
import { createServer, connect, type Server, type Socket } from "node:net";
import type { Server as TlsServer } from "node:tls";
import {
  encodeProxyHeader,
  type ProxiedConnection,
  type SocketPlace,
} from "#traffic/connection/proxy-protocol.ts";
import { endsOf, proxyHeaders } from "./proxied-client.ts";
import type { ListenerSettings } from "./settings.ts";

export interface TlsConnections {
  readonly server: Server;
  /** Resolves when the last connection has ended; call it after the server takes no more. */
  ended(): Promise<void>;
}

/** `secureServer` does the handshakes and listens nowhere. `startTimeoutMs`: for the PROXY header, if one is expected. */
export function tlsConnections(
  settings: ListenerSettings,
  secureServer: TlsServer,
  startTimeoutMs: number,
  log: (line: string) => void,
): TlsConnections {
  const open = new Set<Socket>();
  const secured = securing(secureServer, settings.upstreams[0]!, log);
  const readProxied = settings.proxyProtocol && proxyHeaders(settings.proxyProtocol);
  let whenEmpty: (() => void) | undefined;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    open.add(socket);
    socket.once("close", () => {
      open.delete(socket);
      if (open.size === 0) whenEmpty?.();
    });
    // A client that breaks off is its own fault; closing tells whoever is at the other end.
    socket.on("error", () => socket.destroy());
    const deadline = setTimeout(() => socket.destroy(), startTimeoutMs);
    socket.once("close", () => clearTimeout(deadline));
    const begin = (proxied: ProxiedConnection): void => {
      clearTimeout(deadline);
      secured(socket, proxied);
    };
    if (readProxied) readProxied(socket, begin);
    else begin({});
  });
  return {
    server,
    ended: () =>
      open.size === 0
        ? Promise.resolve()
        : new Promise((done) => {
            whenEmpty = done;
          }),
  };
}

/** Begins TLS on a connection, and passes it on once the client is let in. */
function securing(
  server: TlsServer,
  upstream: string,
  log: (line: string) => void,
): (socket: Socket, proxied: ProxiedConnection) => void {
  /** What is known of each connection that has begun. */
  const begun = new Map<string, ProxiedConnection>();
  // The server makes a socket of its own; both have the same two ends.
  server.on("secureConnection", (secure) => {
    const { servername } = secure;
    const serverName = typeof servername === "string" && servername !== "" && servername.toLowerCase();
    const connection = {
      ...placesOf(secure),
      ...begun.get(endsOf(secure)),
      ...(serverName && { serverName }),
    };
    passOn(secure, connection, upstream, log);
  });
  server.on("tlsClientError", (_error, secure) => secure.destroy());
  return (socket, proxied) => {
    const ends = endsOf(socket);
    begun.set(ends, proxied);
    socket.once("close", () => begun.delete(ends));
    server.emit("connection", socket);
  };
}

export function placesOf(socket: Socket): ProxiedConnection {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  const place = (address: string | undefined, port: number | undefined): SocketPlace | undefined =>
    address === undefined || port === undefined ? undefined : { address, port };
  const source = place(remoteAddress, remotePort);
  const destination = place(localAddress, localPort);
  return { ...(source && { source }), ...(destination && { destination }) };
}

/** Both directions, each of which ends by itself; each side's backpressure reaches the other. */
export function passOn(
  client: Socket,
  connection: ProxiedConnection,
  upstream: string,
  log: (line: string) => void,
): void {
  const inner = connect({ path: upstream, allowHalfOpen: true });
  inner.once("connect", () => {
    inner.write(encodeProxyHeader("V2", connection));
    client.pipe(inner).pipe(client);
  });
  inner.on("error", (error) => {
    if (inner.connecting) log(`cannot reach the gateway at ${upstream}: ${error.message}`);
    client.destroy();
  });
  inner.once("close", (hadError) => {
    if (hadError || !client.writableEnded) client.destroy();
  });
  client.once("close", () => inner.destroy());
}
