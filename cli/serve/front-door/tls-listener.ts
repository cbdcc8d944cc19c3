// A TLS listener whose connections carry something else than HTTP: TLS ends here, the bytes go on to workerd, with the
// PROXY protocol in front so that the gateway knows client and server name.
import { createServer, connect, type Server, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import {
  encodeProxyHeader,
  type ProxiedConnection,
  readProxyHeader,
  type SocketPlace,
} from "#traffic/connection/proxy-protocol.ts";
import type { CertificateChoice } from "./certificate-choice.ts";
import type { ListenerSettings } from "./settings.ts";

export interface TlsConnections {
  readonly server: Server;
  /** Resolves when the last connection has ended; call it after the server takes no more. */
  ended(): Promise<void>;
}

/** `startTimeoutMs`: for the PROXY header, if one is expected, and the handshake. */
export function tlsConnections(
  settings: ListenerSettings,
  choice: () => CertificateChoice,
  startTimeoutMs: number,
  log: (line: string) => void,
): TlsConnections {
  const open = new Set<Socket>();
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
    accept(socket, settings, choice(), deadline, log);
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

function accept(
  socket: Socket,
  settings: ListenerSettings,
  choice: CertificateChoice,
  deadline: NodeJS.Timeout,
  log: (line: string) => void,
): void {
  const { proxyProtocol } = settings;
  const begin = (proxied: ProxiedConnection): void => {
    const secure = new TLSSocket(socket, {
      isServer: true,
      secureContext: choice.contextFor(""),
      SNICallback: (name, done) => done(null, choice.contextFor(name)),
    });
    secure.on("error", () => socket.destroy());
    secure.once("secure", () => {
      clearTimeout(deadline);
      passOn(secure, { ...placesOf(socket), ...proxied }, settings.upstreams[0]!, log);
    });
  };
  if (proxyProtocol) readProxied(socket, proxyProtocol.optional, begin);
  else begin({});
}

/** Calls `begin` with what the PROXY header says; what follows it stays in the socket. */
function readProxied(socket: Socket, isOptional: boolean, begin: (proxied: ProxiedConnection) => void): void {
  let seen = Buffer.alloc(0);
  const onReadable = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    seen = Buffer.concat([seen, chunk]);
    const result = readProxyHeader(seen);
    if (result.type === "incomplete") return;
    socket.off("readable", onReadable);
    if (result.type !== "header" && !(result.type === "absent" && isOptional)) return void socket.destroy();
    socket.unshift(result.type === "header" ? seen.subarray(result.lengthBytes) : seen);
    begin(result.type === "header" ? result.connection : {});
  };
  socket.on("readable", onReadable);
}

function placesOf(socket: Socket): ProxiedConnection {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  const place = (address: string | undefined, port: number | undefined): SocketPlace | undefined =>
    address === undefined || port === undefined ? undefined : { address, port };
  const source = place(remoteAddress, remotePort);
  const destination = place(localAddress, localPort);
  return { ...(source && { source }), ...(destination && { destination }) };
}

/** Both directions, each of which ends by itself; each side's backpressure reaches the other. */
function passOn(
  secure: TLSSocket,
  connection: ProxiedConnection,
  upstream: string,
  log: (line: string) => void,
): void {
  const serverName = secure.servername;
  const inner = connect({ path: upstream, allowHalfOpen: true });
  inner.once("connect", () => {
    inner.write(
      encodeProxyHeader("V2", {
        ...connection,
        ...(typeof serverName === "string" && serverName !== "" && { serverName: serverName.toLowerCase() }),
      }),
    );
    secure.pipe(inner).pipe(secure);
  });
  inner.on("error", (error) => {
    if (inner.connecting) log(`cannot reach the gateway at ${upstream}: ${error.message}`);
    secure.destroy();
  });
  inner.once("close", (hadError) => {
    if (hadError || !secure.writableEnded) secure.destroy();
  });
  secure.once("close", () => inner.destroy());
}
