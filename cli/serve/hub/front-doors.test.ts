// Informational answers at a hub's process: to the front door that a request names, before the answer itself.
import { once } from "node:events";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import { basename, dirname } from "node:path";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import type { StreamHandlers } from "#traffic/tunnel/stream.ts";
import { FrontDoors } from "./front-doors.ts";
import { gatewayServer } from "./gateway-server.ts";
import type { Hubs } from "./hubs.ts";
import { hubsWith, listen, type Pod } from "./testing/linked-agent.ts";

const quiet: StreamHandlers = { onReset: () => {} };

async function served(hubs: Hubs, doors: FrontDoors): Promise<string> {
  const { path, close } = await listen(gatewayServer(hubs, doors));
  onTestFinished(close);
  return path;
}

async function ask(socketPath: string, headers: Record<string, string>): Promise<IncomingMessage> {
  const asked = {
    "isthmus-object": "TunnelHub/t:0",
    "isthmus-operation": "stream",
    "isthmus-endpoint": "web|10.0.0.1:80",
  };
  const outgoing = request({ socketPath, headers: { ...asked, ...headers } });
  outgoing.end();
  const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
  return answer;
}

/** A front door that leaves its answers to the test. */
async function frontDoor() {
  const told: { path: string; head: unknown; answer: (status: number) => void }[] = [];
  const waiting: ((one: (typeof told)[number]) => void)[] = [];
  const server = createServer((incoming: IncomingMessage, response: ServerResponse) => {
    void text(incoming).then((head) => {
      const answer = (status: number): void => void response.writeHead(status).end();
      const one = { path: incoming.url ?? "", head: JSON.parse(head) as unknown, answer };
      told.push(one);
      waiting.shift()?.(one);
    });
  });
  const { path, close } = await listen(server);
  onTestFinished(async () => {
    server.closeAllConnections();
    await close();
  });
  return {
    doors: new FrontDoors(dirname(path)),
    headers: { "isthmus-informational": `${basename(path, ".sock")}/token-1` },
    told,
    next: () => new Promise<(typeof told)[number]>((done) => waiting.push(done)),
  };
}

const informing: Pod = (stream) => {
  stream.respond({
    status: 103,
    fields: [
      ["link", "</a>"],
      ["connection", "x"],
      ["isthmus-trailers", "x"],
    ],
  });
  stream.respond({ status: 102, fields: [] });
  stream.respond({ status: 200, fields: [] });
  stream.write(Buffer.from("done"));
  stream.end();
  return quiet;
};

test("informational answers go to the front door one by one, and the answer waits until it has them", async () => {
  const { doors, headers, next } = await frontDoor();
  const path = await served(hubsWith(informing), doors);
  const first = next();
  let isAnswered = false;
  const asking = ask(path, headers).finally(() => (isAnswered = true));
  expect(await first).toMatchObject({ path: "/token-1", head: { status: 103, fields: [["link", "</a>"]] } });
  const second = next();
  (await first).answer(204);
  expect(await second).toMatchObject({ head: { status: 102, fields: [] } });
  expect(isAnswered).toBe(false);
  (await second).answer(204);
  const answer = await asking;
  expect([answer.statusCode, await text(answer)]).toEqual([200, "done"]);
});

test("a front door that has no use for them, hangs or is gone gets no more of the request, and the answer comes", async () => {
  const { doors, headers, told, next } = await frontDoor();
  const path = await served(hubsWith(informing), doors);
  const first = next();
  const refused = ask(path, headers);
  (await first).answer(404);
  expect(await text(await refused)).toBe("done");
  expect(await text(await ask(path, headers))).toBe("done");
  expect(told).toHaveLength(2);
  for (const target of ["nobody/token", "../door/token"]) {
    expect(await text(await ask(path, { "isthmus-informational": target }))).toBe("done");
  }
});

test("an answer that breaks off while it waits for them is not taken for a whole", async () => {
  const { doors, headers, next } = await frontDoor();
  const path = await served(
    hubsWith((stream) => {
      stream.respond({ status: 103, fields: [] });
      stream.respond({ status: 200, fields: [] });
      stream.write(Buffer.from("half"));
      setImmediate(() => stream.reset("endpoint_reset"));
      return quiet;
    }),
    doors,
  );
  const first = next();
  const asking = ask(path, headers);
  (await first).answer(204);
  const { statusCode, headers: fields } = await asking;
  expect([statusCode, fields["isthmus-tunnel-error"]]).toEqual([599, "endpoint_reset"]);
});
