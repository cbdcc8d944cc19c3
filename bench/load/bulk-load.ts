// Transfers over plain sockets, one after the other on each connection, until the time is up. Prints a BulkResult as JSON.
import { connect, type Socket } from "node:net";

export interface BulkLoad {
  url: string;
  host: string;
  direction: "download" | "upload";
  connections: number;
  /** Length of one transfer. */
  bytes: number;
  seconds: number;
}

export interface BulkResult {
  megabytesPerSecond: number;
  /** Connections that broke off, and answers other than 200. */
  failures: number;
}

const block = Buffer.alloc(64 * 1024, "isthmus ");

class Transfer {
  readonly #load: BulkLoad;
  readonly #endMs: number;
  bytes = 0;
  failures = 0;

  constructor(load: BulkLoad, endMs: number) {
    this.#load = load;
    this.#endMs = endMs;
  }

  run(): Promise<void> {
    const { hostname, port } = new URL(this.#load.url);
    return new Promise((done) => {
      const socket = connect(Number(port), hostname);
      socket.once("connect", () => this.#next(socket));
      socket.once("error", () => (this.failures += 1));
      socket.once("close", () => done());
      if (this.#load.direction === "download") this.#receive(socket);
      else this.#answers(socket);
    });
  }

  #next(socket: Socket): void {
    if (performance.now() >= this.#endMs) return void socket.destroy();
    const { direction, host, bytes } = this.#load;
    if (direction === "download")
      return void socket.write(`GET /bytes/${bytes} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    socket.write(`POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${bytes}\r\n\r\n`);
    this.#upload(socket, bytes);
  }

  #upload(socket: Socket, bytes: number): void {
    let left = bytes;
    const more = (): void => {
      while (left > 0 && performance.now() < this.#endMs) {
        const piece = left < block.length ? block.subarray(0, left) : block;
        left -= piece.length;
        this.bytes += piece.length;
        if (!socket.write(piece)) return void socket.once("drain", more);
      }
      if (left > 0) socket.destroy();
    };
    more();
  }

  #answers(socket: Socket): void {
    let text = "";
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      text += chunk;
      if (!/\r\n\r\n.*\d/s.test(text)) return;
      if (!text.startsWith("HTTP/1.1 200")) this.failures += 1;
      text = "";
      this.#next(socket);
    });
  }

  #receive(socket: Socket): void {
    let head = "";
    let left = 0;
    socket.on("data", (chunk: Buffer) => {
      let payload = chunk;
      if (left === 0) {
        head += chunk.toString("latin1");
        const end = head.indexOf("\r\n\r\n") + 4;
        if (end < 4) return;
        if (!head.startsWith("HTTP/1.1 200")) this.failures += 1;
        payload = chunk.subarray(chunk.length - (head.length - end));
        left = this.#load.bytes;
        head = "";
      }
      left -= payload.length;
      this.bytes += payload.length;
      if (performance.now() >= this.#endMs) socket.destroy();
      else if (left === 0) this.#next(socket);
    });
  }
}

const load = JSON.parse(process.argv[2] ?? "{}") as BulkLoad;
const startedMs = performance.now();
const transfers = Array.from(
  { length: load.connections },
  () => new Transfer(load, startedMs + load.seconds * 1_000),
);
await Promise.all(transfers.map((transfer) => transfer.run()));
const total = (of: (transfer: Transfer) => number): number =>
  transfers.reduce((sum, transfer) => sum + of(transfer), 0);
const result: BulkResult = {
  megabytesPerSecond: total(({ bytes }) => bytes) / 1e6 / ((performance.now() - startedMs) / 1_000),
  failures: total(({ failures }) => failures),
};
process.stdout.write(JSON.stringify(result));
