// Endpoints and clients of plain connections, for tests of layer 4.
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, connect as tlsConnect } from "node:tls";
import { once } from "node:events";

export interface TcpPod {
  readonly port: number;
  /** Connections, in the order they came. */
  readonly connections: readonly PodConnection[];
  stop(): Promise<void>;
}

export interface PodConnection {
  readonly socket: Socket;
  /** What it has received so far. */
  received(): Buffer;
}

export interface TcpPodOptions {
  /** PEM; the endpoint then speaks TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** In place of the greeting and the echo. */
  readonly serve?: (socket: Socket) => void;
  readonly port?: number;
}

/** Greets with `<name>\n`, sends back what it gets, and ends when the client has ended. */
export async function startTcpPod(name: string, options: TcpPodOptions = {}): Promise<TcpPod> {
  const connections: PodConnection[] = [];
  const serve = (socket: Socket): void => {
    const chunks: Buffer[] = [];
    connections.push({ socket, received: () => Buffer.concat(chunks) });
    socket.on("error", () => socket.destroy());
    if (options.serve) return options.serve(socket);
    socket.write(`${name}\n`);
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.pipe(socket);
  };
  const server: Server = options.tls
    ? createTlsServer({ ...options.tls, allowHalfOpen: true }, serve)
    : createServer({ allowHalfOpen: true }, serve);
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as { port: number }).port,
    connections,
    async stop() {
      for (const { socket } of connections) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

export interface TcpClient {
  readonly socket: Socket;
  write(data: string | Uint8Array): void;
  /** Ends its direction. */
  end(data?: string): void;
  /** What has come, once it holds `text`; rejects when the connection ends before. */
  until(text: string): Promise<string>;
  /** Everything, once the other side has ended; undefined: it was reset, or never opened. */
  readonly all: Promise<Buffer | undefined>;
}

export function tcpClient(port: number, localAddress?: string, host = "127.0.0.1"): TcpClient {
  return clientOf(connect({ port, host, allowHalfOpen: true, ...(localAddress && { localAddress }) }));
}

/** Verifies nothing: which certificate there is, is for the test to look at. Without a name none is sent. */
export function tlsClient(port: number, servername?: string): TcpClient {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  return clientOf(
    tlsConnect({ socket, rejectUnauthorized: false, ...(servername !== undefined && { servername }) }),
  );
}

function clientOf(socket: Socket): TcpClient {
  const chunks: Buffer[] = [];
  const waiting = new Set<() => void>();
  let over = false;
  const wake = (): void => waiting.forEach((look) => look());
  const all = new Promise<Buffer | undefined>((done) => {
    const finish = (value: Buffer | undefined): void => {
      over = true;
      done(value);
      wake();
    };
    socket.once("end", () => finish(Buffer.concat(chunks)));
    socket.once("error", () => finish(undefined));
    socket.once("close", () => finish(undefined));
  });
  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    wake();
  });
  return {
    socket,
    write: (data) => void socket.write(data),
    end: (data) => void (data === undefined ? socket.end() : socket.end(data)),
    until: (text) =>
      new Promise((done, fail) => {
        const look = (): void => {
          const seen = Buffer.concat(chunks).toString("latin1");
          if (!seen.includes(text) && !over) return;
          waiting.delete(look);
          if (seen.includes(text)) done(seen);
          else fail(new Error(`ended before ${JSON.stringify(text)}, with ${JSON.stringify(seen)}`));
        };
        waiting.add(look);
        look();
      }),
    all,
  };
}

/** Whether something listens at a port of this machine. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      done(true);
    });
    socket.once("error", () => done(false));
  });
}

/** At a port of this machine that the system chooses. */
export async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
