// A listener without TLS that speaks HTTP/1.1 and, to clients that begin with its preface, HTTP/2 (RFC 9113 §3.3: "h2c"
// with prior knowledge). Node has a server for each, so the first bytes of a connection decide which one gets it.
import type { Server as Http1Server } from "node:http";
import type { Http2Server } from "node:http2";
import { createServer, type Server, type Socket } from "node:net";
import { innerServer } from "./inner-server.ts";

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** `timeoutMs`: how long a client may take to say which of the two it speaks. */
export function plainServer(http1: Http1Server, http2: Http2Server, timeoutMs: number): Server {
  innerServer(http1);
  const server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    const forget = (): void => clearTimeout(timer);
    const ignore = (): void => undefined;
    socket.once("close", forget).on("error", ignore);
    const look = (): void => {
      const protocol = protocolOf(socket);
      if (!protocol) return;
      forget();
      socket.off("readable", look).off("close", forget).off("error", ignore);
      (protocol === "h2" ? http2 : http1).emit("connection", socket);
    };
    socket.on("readable", look);
  });
  // Ends the clock that watches heads.
  server.once("close", () => http1.close());
  return server;
}

/** Undefined while too little has arrived to tell, or nothing more will. What was read is put back. */
function protocolOf(socket: Socket): "h2" | "http/1.1" | undefined {
  const seen = socket.read() as Buffer | null;
  if (!seen) return undefined;
  const length = Math.min(seen.length, preface.length);
  const isHttp2 = seen.compare(preface, 0, length, 0, length) === 0;
  socket.unshift(seen);
  if (!isHttp2) return "http/1.1";
  return length === preface.length ? "h2" : undefined;
}
