// A network between two programs that can be cut: bytes stop, and nobody is told. What was sent meanwhile arrives once
// the network is back, or the connections break.
import { connect, createServer, type Socket } from "node:net";
import { once } from "node:events";

export interface CutRelay {
  readonly port: number;
  cut(): void;
  /** Bytes flow again, those that waited first. */
  restore(): void;
  /** The network is back, and has forgotten its connections. */
  breakOff(): void;
  stop(): Promise<void>;
}

/** To a port of this machine. */
export async function startCutRelay(targetPort: number): Promise<CutRelay> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    const far = connect(targetPort, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.setNoDelay(true);
      from.on("error", () => from.destroy());
      from.once("close", () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on("data", (chunk) => {
        if (!to.write(chunk)) {
          from.pause();
          to.once("drain", () => isCut || from.resume());
        }
      });
      if (isCut) from.pause();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const restore = (): void => {
    isCut = false;
    for (const socket of sockets) socket.resume();
  };
  const breakOff = (): void => {
    for (const socket of sockets) socket.destroy();
    restore();
  };
  return {
    port: (server.address() as { port: number }).port,
    cut() {
      isCut = true;
      for (const socket of sockets) socket.pause();
    },
    restore,
    breakOff,
    async stop() {
      breakOff();
      server.close();
      await once(server, "close");
    },
  };
}
