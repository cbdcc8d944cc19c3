// An origin that can fall ill and die: SIGUSR2 makes every answer 503, and 200 again. Names itself in `x-served-by`.
// Runs as its own process: `node bench/peers/mortal-origin.ts PORT`.
import { createServer } from "node:http";

const port = Number(process.argv[2]);
let isSick = false;
process.on("SIGUSR2", () => (isSick = !isSick));

createServer((_request, response) => {
  response.writeHead(isSick ? 503 : 200, { "x-served-by": String(port) }).end("hello\n");
}).listen(port, "127.0.0.1");
