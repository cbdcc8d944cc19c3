// An origin for tests: answers with what it received, so a test sees what the gateway really forwarded.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

export interface Echo {
  name: string;
  method: string;
  url: string;
  headers: Record<string, string | string[] | undefined>;
  rawHeaders: string[];
  body: string;
}

export interface EchoServer {
  readonly port: number;
  readonly server: Server;
  /** Requests received so far. */
  requests(): number;
  stop(): Promise<void>;
}

/** `handler` may answer a request itself by returning true. */
export async function startEchoServer(
  name: string,
  handler: (request: IncomingMessage, response: ServerResponse) => boolean = () => false,
): Promise<EchoServer> {
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    if (handler(request, response)) return;
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.once("end", () => {
      const echo: Echo = {
        name,
        method: request.method ?? "",
        url: request.url ?? "",
        headers: request.headers,
        rawHeaders: request.rawHeaders,
        body: Buffer.concat(chunks).toString(),
      };
      response.setHeader("content-type", "application/json");
      response.setHeader("x-served-by", name);
      response.end(JSON.stringify(echo));
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    server,
    requests: () => requests,
    stop: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
}
