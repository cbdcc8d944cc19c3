// An address that accepts no connection and refuses none: a process that stands still, with its queue of connections full.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export interface Unanswered {
  readonly port: number;
  stop(): void;
}

/** The kernel completes one connection more than the backlog says, then ignores SYNs. */
const queued = 2;

export async function startUnanswered(): Promise<Unanswered> {
  // It prints its port and then never returns to the event loop, which would accept.
  const program = `
    const server = require("node:net").createServer();
    server.listen({ port: 0, host: "127.0.0.1", backlog: ${queued - 1} }, () => {
      require("node:fs").writeSync(1, String(server.address().port));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(line.toString());
  const sockets: Socket[] = [];
  for (let index = 0; index < queued; index += 1) {
    const socket = connect(port, "127.0.0.1");
    sockets.push(socket);
    socket.on("error", () => undefined);
    await once(socket, "connect");
  }
  return {
    port,
    stop() {
      for (const socket of sockets) socket.destroy();
      child.kill("SIGKILL");
    },
  };
}
