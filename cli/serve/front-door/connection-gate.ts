// Limits of a listener's connections, in front of the servers that speak with clients: how many there may be, and how many
// of one client (decision 0026).
import { createServer, type Server, type Socket } from "node:net";
import type { ConnectionLimits } from "#contract/connection-limits.ts";
import { ClientLimits } from "#traffic/connection/client-limits.ts";
import { ConnectionQueue } from "#traffic/connection/connection-queue.ts";
import { innerServer } from "./inner-server.ts";

/** Refusals are told this often at most. */
const tellIntervalMs = 10_000;

export class ConnectionGate {
  /** Each connection by how it goes on. */
  readonly #queue: ConnectionQueue<() => void>;
  readonly #clients: ClientLimits | undefined;
  readonly #log: (line: string) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #refused = 0;
  #toldMs = -Infinity;

  constructor(connection: ConnectionLimits, log: (line: string) => void) {
    this.#queue = new ConnectionQueue(connection);
    this.#clients = connection.clientLimits && new ClientLimits(connection.clientLimits);
    this.#log = log;
  }

  /** Accepts connections for `server`, which listens nowhere, as far as there is room for all clients together. */
  inFrontOf(server: Server): Server {
    return handing(server, (socket, handOver) => {
      // A client that breaks off while it waits is its own fault.
      const ignore = (): void => undefined;
      const begin = (): void => {
        socket.off("error", ignore);
        handOver();
      };
      const arrival = this.#queue.arrive(begin, performance.now());
      if (arrival === "refused") return this.#refuse(socket);
      socket.on("error", ignore);
      socket.once("close", () => {
        this.#queue.leave(begin);
        this.#goOn();
      });
      if (arrival === "admitted") begin();
      else this.#goOn();
    });
  }

  /** The same for each client by itself; `addressOf`: who it is. */
  byClient(server: Server, addressOf: (socket: Socket) => string | undefined): Server {
    const clients = this.#clients;
    if (!clients) return server;
    return handing(server, (socket, handOver) => {
      const address = addressOf(socket);
      if (address !== undefined) {
        if (!clients.enter(address, performance.now())) return this.#refuse(socket);
        socket.once("close", () => clients.leave(address));
      }
      handOver();
    });
  }

  /** Whoever has a turn now, or soon. */
  #goOn(): void {
    const nowMs = performance.now();
    for (const begin of this.#queue.takeReady(nowMs)) begin();
    clearTimeout(this.#timer);
    const inMs = this.#queue.readyInMs(nowMs);
    this.#timer = inMs === undefined ? undefined : setTimeout(() => this.#goOn(), inMs);
  }

  #refuse(socket: Socket): void {
    socket.destroy();
    this.#refused += 1;
    const nowMs = performance.now();
    if (nowMs - this.#toldMs < tellIntervalMs) return;
    this.#log(`connections refused by the listener's limits: ${this.#refused}`);
    this.#toldMs = nowMs;
    this.#refused = 0;
  }
}

/** A server that lets `decide` hand connections over to another one, which listens nowhere. */
function handing(server: Server, decide: (socket: Socket, handOver: () => void) => void): Server {
  innerServer(server);
  const outer = createServer({ noDelay: true, keepAlive: true }, (socket) =>
    decide(socket, () => server.emit("connection", socket)),
  );
  outer.once("close", () => server.emit("close"));
  return outer;
}
