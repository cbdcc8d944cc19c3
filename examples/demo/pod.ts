// A sample pod: `node examples/demo/pod.ts NAME [PORT]`. Says who it is, takes uploads, sends downloads and events,
// echoes WebSocket messages. Listens on loopback only; the agent is its one way out.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { WebSocketServer } from "ws";

const name = process.argv[2] ?? "pod";
const port = Number(process.argv[3] ?? 0);

type Handler = (request: IncomingMessage, response: ServerResponse, url: URL) => void;

/** First path segment → what answers. */
const handlers: Record<string, Handler> = {
  health: (_request, response) => response.end("ok\n"),
  bytes: (_request, response, url) => sendBytes(response, Number(url.pathname.split("/")[2] ?? 0)),
  events: (request, response) => sendEvents(request, response),
};

const server = createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://pod");
  response.setHeader("x-pod", name);
  const handler = handlers[url.pathname.split("/")[1] ?? ""];
  if (handler) return handler(request, response, url);
  return request.method === "POST" || request.method === "PUT"
    ? countUpload(request, response)
    : introduce(request, response);
});

/** Any path: who this is, and what of the client's request arrived. */
function introduce(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader("content-type", "application/json");
  const { host, forwarded, "x-forwarded-for": xForwardedFor } = request.headers;
  const seen = { pod: name, method: request.method, path: request.url, host, forwarded, xForwardedFor };
  response.end(`${JSON.stringify(seen, undefined, 2)}\n`);
}

/** POST or PUT on any path: how many bytes came. */
function countUpload(request: IncomingMessage, response: ServerResponse): void {
  let receivedBytes = 0;
  request.on("data", (chunk: Buffer) => (receivedBytes += chunk.length));
  request.once("end", () => {
    response.setHeader("content-type", "application/json");
    response.end(`${JSON.stringify({ pod: name, receivedBytes })}\n`);
  });
}

const chunk = Buffer.alloc(64 * 1024, "isthmus ");

/** `/bytes/N`: N bytes, as fast as they are taken. */
function sendBytes(response: ServerResponse, totalBytes: number): void {
  if (!Number.isSafeInteger(totalBytes) || totalBytes < 0) {
    response.statusCode = 400;
    response.end("expected /bytes/N\n");
    return;
  }
  response.setHeader("content-type", "application/octet-stream");
  response.setHeader("content-length", totalBytes);
  let leftBytes = totalBytes;
  const body = new Readable({
    read() {
      const part = chunk.subarray(0, Math.min(leftBytes, chunk.length));
      leftBytes -= part.length;
      this.push(part.length > 0 ? part : null);
    },
  });
  body.pipe(response);
  response.once("close", () => body.destroy());
}

/** `/events`: one server-sent event per second. */
function sendEvents(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  let count = 0;
  const send = (): boolean => response.write(`data: ${JSON.stringify({ pod: name, count: count++ })}\n\n`);
  send();
  const timer = setInterval(send, 1_000);
  request.once("close", () => clearInterval(timer));
}

/** A WebSocket on any path: echoes. */
const sockets = new WebSocketServer({ server });
sockets.on("connection", (socket) => {
  socket.on("error", () => socket.terminate());
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
});

server.listen(port, "127.0.0.1", () => {
  const address = server.address();
  const listening = typeof address === "object" && address ? address.port : port;
  if (process.send) process.send({ port: listening });
  else console.log(`${name} listens on http://127.0.0.1:${listening}`);
});

/** Uploads may take long; the agent's health checks keep connections anyway. */
server.requestTimeout = 0;
process.channel?.unref();
// Started by `isthmus start`, it ends with it.
process.once("disconnect", () => process.exit(0));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(0));
