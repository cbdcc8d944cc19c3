// Opens requests whose answers never end, and holds them. Prints `held N` once each has its first byte, and ends with its
// standard input.
import { connect, type Socket } from "node:net";

export interface HeldStreams {
  url: string;
  host: string;
  path: string;
  count: number;
}

/** Opened at once, so that a listen queue is never what limits. */
const atOnce = 32;

function open({ url, host, path }: HeldStreams): Promise<Socket> {
  const { hostname, port } = new URL(url);
  return new Promise((done, fail) => {
    const socket = connect(Number(port), hostname);
    socket.once("error", fail).once("close", () => fail(new Error("closed")));
    socket.once("connect", () => socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      if (text.length < 4_096) text += chunk.toString("latin1");
      if (!/\r\n\r\n./s.test(text)) return;
      if (text.startsWith("HTTP/1.1 200")) done(socket);
      else fail(new Error(text));
    });
  });
}

const streams = JSON.parse(process.argv[2] ?? "{}") as HeldStreams;
const sockets: Socket[] = [];
while (sockets.length < streams.count) {
  const wanted = Math.min(atOnce, streams.count - sockets.length);
  sockets.push(...(await Promise.all(Array.from({ length: wanted }, () => open(streams)))));
}
process.stdout.write(`held ${sockets.length}\n`);
for await (const _ of process.stdin);
for (const socket of sockets) socket.destroy();
