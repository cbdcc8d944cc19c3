// The origin behind every tunnel of the comparison. Runs as its own process: `node bench/tunnel/origin.ts PORT`.
//   GET /            a small answer
//   GET /bytes/N     N bytes
//   POST /           reads the body, answers with its length
//   GET /held        the head and one byte, and never an end
//   GET /trickle     the same, and 64 bytes every second
import { createServer, type ServerResponse } from "node:http";

const body = "hello from the origin\n";
const block = Buffer.alloc(64 * 1024, "isthmus ");
const trickleMs = 1_000;

function sendBytes(response: ServerResponse, bytes: number): void {
  let left = bytes;
  const more = (): void => {
    while (left > 0) {
      const piece = left < block.length ? block.subarray(0, left) : block;
      left -= piece.length;
      if (!response.write(piece)) return void response.once("drain", more);
    }
    response.end();
  };
  response.writeHead(200, { "content-length": bytes });
  more();
}

function hold(response: ServerResponse, trickle: boolean): void {
  response.writeHead(200, { "content-type": "application/octet-stream" }).write(".");
  if (!trickle) return;
  const timer = setInterval(() => response.write(block.subarray(0, 64)), trickleMs);
  response.once("close", () => clearInterval(timer));
}

createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
  response.on("error", () => response.destroy());
  if (request.method === "POST") {
    let bytes = 0;
    request.on("data", (chunk: Buffer) => (bytes += chunk.length));
    request.once("end", () => response.end(String(bytes)));
    return;
  }
  const [, what, count] = request.url!.split("/");
  if (what === "bytes") return sendBytes(response, Number(count));
  if (what === "held" || what === "trickle") return hold(response, what === "trickle");
  response.writeHead(200, { "content-type": "text/plain", "content-length": body.length }).end(body);
}).listen(Number(process.argv[2]), "127.0.0.1");
