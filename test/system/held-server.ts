// An origin for tests that answers each request, but those for `/`, when it is told to.
import type { ServerResponse } from "node:http";
import { startEchoServer, type EchoServer } from "./echo-server.ts";
import { eventually } from "./process.ts";

export interface HeldRequest {
  readonly path: string;
  /** Answers it, with the server's name as the body. */
  answer(): void;
}

export interface HeldServer {
  readonly port: number;
  /** Those that have come and have no answer yet, in the order they came. */
  held(): readonly HeldRequest[];
  /** The most that it has held at the same time. */
  most(): number;
  /** Resolves when one has come that `path` fits. */
  holds(path: string): Promise<HeldRequest>;
  stop(): Promise<void>;
}

export async function startHeldServer(name: string): Promise<HeldServer> {
  const held: HeldRequest[] = [];
  let most = 0;
  const hold = (path: string, response: ServerResponse): void => {
    const request: HeldRequest = {
      path,
      answer: () => {
        held.splice(held.indexOf(request), 1);
        response.end(name);
      },
    };
    held.push(request);
    most = Math.max(most, held.length);
  };
  const server: EchoServer = await startEchoServer(name, ({ url = "" }, response) => {
    // What is asked to see whether a system serves.
    if (url === "/") response.end(name);
    else hold(url, response);
    return true;
  });
  return {
    port: server.port,
    held: () => held,
    most: () => most,
    holds: (path) =>
      eventually(`${name} gets ${path}`, async () => held.find((request) => request.path === path)),
    stop: server.stop,
  };
}
