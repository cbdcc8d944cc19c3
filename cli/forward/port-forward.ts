// The listening end of `isthmus forward tcp`: each connection that comes is a stream of the link to the edge.
import { createServer, type Server, type Socket } from "node:net";
import { SocketRelay } from "#traffic/tunnel/socket-relay.ts";
import type { StreamReset } from "#traffic/tunnel/stream.ts";
import { CommandError, systemCode } from "../command-error.ts";
import type { HostPort } from "../serve/serve-options.ts";
import type { EdgeLink } from "./edge-link.ts";

export interface PortForward {
  /** `127.0.0.1:5432`. */
  readonly local: string;
  /** Takes no more connections and cuts those that are open. */
  close(): Promise<void>;
}

/** Connections that come with nobody taking them; more are refused by the system. */
const backlog = 128;

/** `failed` is told of each connection that came to nothing, or was broken off by the other side. */
export async function openPortForward(
  { host, port }: HostPort,
  link: EdgeLink,
  failed: (client: string, reason: string) => void,
): Promise<PortForward> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    const client = `${socket.remoteAddress}:${socket.remotePort}`;
    void forward(socket, link, (reason) => failed(client, reason));
  });
  await listening(server, host, port);
  const { address, port: bound } = server.address() as { address: string; port: number };
  return {
    local: address.includes(":") ? `[${address}]:${bound}` : `${address}:${bound}`,
    async close() {
      const closed = new Promise((done) => server.close(done));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((done, fail) => {
    server.once("error", (error) => {
      const code = systemCode(error);
      const taken = code === "EADDRINUSE";
      fail(
        new CommandError(
          taken ? "conflict" : "failure",
          `cannot listen on ${host}:${port}: ${code ?? error.message}`,
          {
            remedy: taken
              ? "Something else listens there: choose another port."
              : "Choose another address or port.",
            cause: error,
          },
        ),
      );
    });
    server.listen({ host, port, backlog }, done);
  });
}

async function forward(socket: Socket, link: EdgeLink, failed: (reason: string) => void): Promise<void> {
  let relay: SocketRelay | undefined;
  let early: StreamReset | undefined;
  socket.on("error", () => undefined);
  const stream = await link.open({
    onHead: () => void socket.resume(),
    onData: (chunk) => relay?.receive(chunk),
    onEnd: () => relay?.handlers.onEnd([]),
    onWritable: () => relay?.handlers.onWritable(),
    onReset(reset) {
      if (relay) relay.handlers.onReset(reset);
      else early = reset;
    },
  });
  if (!stream) {
    failed("the edge cannot be reached, or takes no more connections");
    return void socket.resetAndDestroy();
  }
  if (early || socket.destroyed) return void stream.reset("cancelled", "the client left");
  relay = new SocketRelay(stream, socket, {
    failure: "cancelled",
    ended(code, detail) {
      if (code !== undefined && code !== "cancelled") failed(`${detail || code} (${code})`);
    },
  });
}
