// The origin that every peer forwards to: a socket server that answers each request head with the same bytes, so it is
// never what limits a peer. Runs as its own process: `node bench/peers/origin.ts PORT`.
import { createServer } from "node:net";

const body = "hello from the origin\n";
const answer = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

createServer((socket) => {
  let tail = "";
  socket.setNoDelay(true).setEncoding("latin1");
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: string) => {
    const heads = (tail + chunk).split("\r\n\r\n");
    tail = heads.pop() ?? "";
    if (heads.length > 0) socket.write(answer.repeat(heads.length));
  });
}).listen(Number(process.argv[2]), "127.0.0.1");
