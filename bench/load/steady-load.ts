// An open-loop load: requests leave at fixed times, whether or not those before are answered, and each latency counts
// from the planned time, so that a stall is seen by every request that it held up. Prints SteadySample[] as JSON.
import { connect, type Socket } from "node:net";

export interface SteadyLoad {
  url: string;
  host: string;
  perSecond: number;
}

export interface SteadySample {
  /** Planned time of the request, since the epoch. */
  atMs: number;
  latencyMs: number;
  /** Value of the answer's `x-version`; empty where it has none, or is not 200. */
  version: string;
}

interface Pending {
  atMs: number;
  answer: string;
}

/** Runs as a program of its own: `node bench/load/steady-load.ts JSON`. */
async function run({ url, host, perSecond }: SteadyLoad): Promise<SteadySample[]> {
  const { hostname, port } = new URL(url);
  const head = `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  const idle: Socket[] = [];
  const samples: SteadySample[] = [];
  const busy = new Map<Socket, Pending>();
  const take = (socket: Socket, chunk: string): void => {
    const pending = busy.get(socket);
    if (!pending) return;
    pending.answer += chunk;
    const bodyAt = pending.answer.indexOf("\r\n\r\n") + 4;
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(pending.answer)?.[1] ?? 0);
    if (bodyAt < 4 || pending.answer.length < bodyAt + length) return;
    busy.delete(socket);
    idle.push(socket);
    const isGood = pending.answer.startsWith("HTTP/1.1 200");
    const version = isGood ? (/\r\nx-version: *(\S+)/i.exec(pending.answer)?.[1] ?? "") : "";
    samples.push({ atMs: pending.atMs, latencyMs: now() - pending.atMs, version });
  };
  // What broke off counts with the time that it took.
  const lost = (socket: Socket): void => {
    const atMs = busy.get(socket)?.atMs;
    socket.destroy();
    if (busy.delete(socket) && atMs !== undefined)
      samples.push({ atMs, latencyMs: now() - atMs, version: "" });
  };
  const open = (): Socket => {
    const socket = connect(Number(port), hostname).setNoDelay(true).setEncoding("latin1");
    socket.on("data", (chunk: string) => take(socket, chunk));
    socket.on("error", () => lost(socket));
    socket.on("close", () => lost(socket));
    return socket;
  };
  // One that the gateway has closed meanwhile, for nothing was asked on it, takes no request and says nothing of it.
  const takeIdle = (): Socket | undefined => {
    let socket = idle.pop();
    while (socket?.destroyed) socket = idle.pop();
    return socket;
  };
  process.stdin.resume();
  const startMs = now();
  for (let sent = 0; !process.stdin.readableEnded;) {
    for (const due = ((now() - startMs) * perSecond) / 1_000; sent < due; sent += 1) {
      const socket = takeIdle() ?? open();
      busy.set(socket, { atMs: startMs + (sent * 1_000) / perSecond, answer: "" });
      socket.write(head);
    }
    await new Promise((done) => setTimeout(done, 1));
  }
  for (let waited = 0; busy.size > 0 && waited < 500; waited += 1)
    await new Promise((done) => setTimeout(done, 10));
  for (const socket of busy.keys()) lost(socket);
  for (const socket of idle) socket.destroy();
  return samples;
}

const now = (): number => performance.timeOrigin + performance.now();

if (process.argv[1] === import.meta.filename) {
  process.stdout.write(JSON.stringify(await run(JSON.parse(process.argv[2] ?? "{}") as SteadyLoad)));
}
