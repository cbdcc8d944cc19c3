import { createServer, request } from "node:http";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SingleUseAgent } from "./upload.ts";

test("a connection for a request that cannot be repeated is used once, although the other side would keep it", async () => {
  const directory = await mkdtemp(join(tmpdir(), "isthmus-upload-"));
  const socketPath = join(directory, "server.sock");
  const connections = new Set<unknown>();
  const server = createServer((incoming, outgoing) => {
    connections.add(incoming.socket);
    outgoing.end(incoming.headers.connection);
  }).listen(socketPath);
  await once(server, "listening");
  const agent = new SingleUseAgent({ keepAlive: true });
  for (let count = 0; count < 3; count += 1) {
    const outgoing = request({ socketPath, agent, method: "POST" }).end("body");
    const [answer] = (await once(outgoing, "response")) as [NodeJS.ReadableStream];
    expect(await new Response(answer as never).text()).toBe("keep-alive");
    expect(outgoing.reusedSocket).toBe(false);
  }
  expect(connections.size).toBe(3);
  server.closeAllConnections();
  server.close();
  await rm(directory, { recursive: true });
});
