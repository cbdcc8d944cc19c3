import type { RequestListener } from "node:http";
import { expect, test } from "vitest";
import { configured, createFixture, podConfig, podKey } from "./testing/agent-fixture.ts";
import { exchange, openHead, text } from "./testing/exchange.ts";
import { closedPort, startPod, startRawPod } from "./testing/pod.ts";

const head = { method: "POST", fields: [["trailer", "x-sum"]] } as const;
const trailers = [["x-sum", "42"]] as const;

async function tunnelTo(...ports: number[]) {
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ config: podConfig(ports) });
  await fixture.startAgent(edge);
  const { session } = await configured(edge);
  return { session, key: podKey(ports[0]!), keys: ports.map((port) => podKey(port)) };
}

async function tunnelToPod(handler: RequestListener) {
  return tunnelTo((await startPod(handler)).port);
}

async function* body(pieces: number, bytes: number) {
  for (let piece = 0; piece < pieces; piece++) yield Buffer.alloc(bytes, piece);
}

test("the pod gets body and trailers, and its answer comes back with its own", async () => {
  const { session, key } = await tunnelToPod((request, response) => {
    let bytes = 0;
    request.on("data", (chunk: Buffer) => (bytes += chunk.length));
    request.once("end", () => {
      response.writeEarlyHints({ link: "</a.css>; rel=preload" });
      response.writeHead(200, { trailer: "x-bytes" });
      response.write(JSON.stringify([request.headers, request.trailers]));
      response.addTrailers([["x-bytes", String(bytes)]]);
      response.end();
    });
  });
  const answer = await exchange(session, openHead(key, head), body(40, 64 * 1024), trailers);
  const [headers, sent] = JSON.parse(await text(answer.body)) as [object, object];
  expect(headers).toMatchObject({ host: "www.example.com", trailer: "x-sum" });
  expect(sent).toEqual({ "x-sum": "42" });
  expect(answer.informational.map(({ status }) => status)).toEqual([103]);
  expect(answer.trailers).toEqual([["x-bytes", String(40 * 64 * 1024)]]);
});

test("an answer larger than the window, to a body that is only trailers", async () => {
  const { session, key } = await tunnelToPod((request, response) => {
    request.resume().once("end", () => response.end(Buffer.alloc(2_000_000, request.trailers["x-sum"])));
  });
  const answer = await exchange(session, openHead(key, head), body(0, 0), trailers);
  expect((await text(answer.body)).length).toBe(2_000_000);
});

test("an answer before the body was read is passed on, and the rest goes nowhere", async () => {
  const { session, key } = await tunnelToPod((_request, response) =>
    response.writeHead(413).end("too large"),
  );
  const answer = await exchange(session, openHead(key, head), body(100, 64 * 1024), trailers);
  expect(answer.head.status).toBe(413);
  expect(await text(answer.body)).toBe("too large");
});

test("a client that goes away ends the request at the pod", async () => {
  const closed = Promise.withResolvers<void>();
  const { session, key } = await tunnelToPod((request, response) => {
    request.once("close", closed.resolve).on("error", () => undefined);
    response.writeHead(200).flushHeaders();
  });
  async function* endless() {
    yield Buffer.from("one");
    await closed.promise;
  }
  const answer = await exchange(session, openHead(key, head), endless());
  answer.body.on("error", () => undefined);
  answer.stream.reset("cancelled");
  await closed.promise;
});

test("each request reaches its own endpoint; connections are kept for the next", async () => {
  const connections = [0, 0];
  const pods = await Promise.all(
    connections.map((_none, index) =>
      startPod((request, response) => request.resume().once("end", () => response.end(String(index)))),
    ),
  );
  for (const [index, { server }] of pods.entries()) server.on("connection", () => (connections[index]! += 1));
  const { session, keys } = await tunnelTo(...pods.map(({ port }) => port));
  for (let count = 0; count < 3; count++) {
    for (const [index, key] of keys.entries()) {
      const answer = await exchange(session, openHead(key, head), body(1, 3), trailers);
      expect(await text(answer.body)).toBe(String(index));
    }
  }
  expect(connections).toEqual([1, 1]);
});

test("a switch of protocols, and a target that is none, are errors, and the session goes on", async () => {
  const port = await startRawPod((socket) =>
    socket.once("data", () =>
      socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n"),
    ),
  );
  const { session, key } = await tunnelTo(port);
  for (const [target, code] of [
    ["/", "endpoint_protocol_error"],
    ["/a b", "internal"],
  ] as const) {
    const asking = exchange(session, openHead(key, { ...head, target }), body(1, 3), trailers);
    await expect(asking).rejects.toMatchObject({ reset: { code } });
  }
});

test("nobody listens, a pod that hangs up, and one that speaks no HTTP", async () => {
  const nobody = await closedPort();
  const silent = await startRawPod((socket) => socket.destroy());
  const other = await startRawPod((socket) => socket.end("220 mail.example.com\r\n"));
  for (const [port, code] of [
    [nobody, "connect_failed"],
    [silent, "endpoint_reset"],
    [other, "endpoint_protocol_error"],
  ] as const) {
    const { session, key } = await tunnelTo(port);
    await expect(exchange(session, openHead(key, head), body(1, 3), trailers)).rejects.toMatchObject({
      reset: { code },
    });
  }
});
