// Servers in the role of pods, on a port of loopback from the system, closed with the test.
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type {
  Http2Server,
  IncomingHttpHeaders,
  ServerHttp2Session,
  ServerHttp2Stream,
  ServerOptions,
} from "node:http2";
import { createServer as createSecureServer } from "node:https";
import type { RequestListener, Server } from "node:http";
import type { AddressInfo, Server as TcpServer } from "node:net";
import { createServer as createTcpServer } from "node:net";
import type { Socket } from "node:net";
import { onTestFinished } from "vitest";

export async function startPod(handler: RequestListener): Promise<{ port: number; server: Server }> {
  const server = createServer(handler);
  const port = await listen(server);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port, server };
}

/** A pod that speaks HTTPS with this key and certificate. */
export async function startSecurePod(
  identity: { key: string; cert: string },
  handler: RequestListener,
): Promise<{ port: number; server: Server }> {
  const server = createSecureServer(identity, handler);
  const port = await listen(server);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port, server };
}

/** A pod that speaks HTTP/2 with prior knowledge. */
export async function startHttp2Pod(
  onStream: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
  options: ServerOptions = {},
): Promise<{ port: number; server: Http2Server; sessions: Set<ServerHttp2Session> }> {
  const server = createHttp2Server(options);
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    onStream(stream, headers);
  });
  const port = await listen(server);
  onTestFinished(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { port, server, sessions };
}

/** A server of raw bytes: for answers that no HTTP library would write. */
export async function startRawPod(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    onConnection(socket);
  });
  const port = await listen(server);
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return port;
}

/** A port of loopback on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createTcpServer();
  const port = await listen(server);
  server.close();
  await once(server, "close");
  return port;
}

export async function listen(server: TcpServer): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
