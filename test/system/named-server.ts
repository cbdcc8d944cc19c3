// A server that answers with its name and with the statuses that it is told.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";

export interface NamedServer {
  readonly port: number;
  /** Of answers to checks (`/health`) … */
  health: number;
  /** … and to all else. */
  status: number;
  stop(): Promise<void>;
}

export async function startNamedServer(name: string): Promise<NamedServer> {
  const server: Server = createServer(({ url }, response) => {
    const status = url === "/health" ? named.health : named.status;
    response.writeHead(status, { connection: "close" }).end(name);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const named: NamedServer = {
    port: (server.address() as AddressInfo).port,
    health: 200,
    status: 200,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return named;
}
