import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";
import { limits } from "#contract/limits.ts";
import { configured, createFixture, podConfig, podKey } from "./testing/agent-fixture.ts";
import { openHead, openWebSocket } from "./testing/exchange.ts";
import { closedPort, listen, startPod } from "./testing/pod.ts";

const webSocketHead = (port: number, fields: (readonly [string, string])[] = []) =>
  openHead(podKey(port), { kind: "websocket", target: "/chat?room=1", fields });

async function tunnelTo(port: number) {
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ config: podConfig([port]) });
  await fixture.startAgent(edge);
  const { session } = await configured(edge);
  return session;
}

async function startWebSocketPod(onConnection: (socket: WebSocket, request: IncomingMessage) => void) {
  const server = createServer();
  const sockets = new WebSocketServer({
    server,
    autoPong: false,
    handleProtocols: (offered) => [...offered].at(-1) ?? false,
  });
  sockets.on("connection", onConnection);
  const port = await listen(server);
  onTestFinished(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
  });
  return port;
}

async function echoThroughTunnel() {
  const port = await startWebSocketPod((socket) => {
    socket.on("message", (data, isBinary) => socket.send(data as Buffer, { binary: isBinary }));
  });
  return openWebSocket(await tunnelTo(port), webSocketHead(port));
}

test("the pod sees Host, path and the client's fields, and chooses a subprotocol", async () => {
  const seen = Promise.withResolvers<IncomingMessage>();
  const port = await startWebSocketPod((_socket, request) => seen.resolve(request));
  const fields = [
    ["sec-websocket-protocol", "v1, v2"],
    ["cookie", "a=1"],
    ["origin", "https://www.example.com"],
    ["sec-websocket-extensions", "permessage-deflate"],
  ] as const;
  const socket = openWebSocket(await tunnelTo(port), webSocketHead(port, [...fields]));
  const opened = await socket.events.find((event) => event.type === "head");

  const request = await seen.promise;
  expect(request.url).toBe("/chat?room=1");
  expect(request.headers).toMatchObject({
    host: "www.example.com",
    cookie: "a=1",
    origin: "https://www.example.com",
    "sec-websocket-protocol": "v1,v2",
  });
  expect(request.headers["sec-websocket-extensions"]).toBeUndefined();
  expect(opened).toEqual({ type: "head", head: { status: 101, fields: [["sec-websocket-protocol", "v2"]] } });
});

test.each([
  ["text", true, Buffer.from("gr\u00fc\u00dfe")],
  ["binary", false, randomBytes(3)],
  ["empty", true, Buffer.alloc(0)],
  ["1 MiB", false, randomBytes(1024 * 1024)],
])("a %s message comes back as it was", async (_name, text, data) => {
  const socket = await echoThroughTunnel();
  await socket.events.find((event) => event.type === "head");
  await socket.send(data, text);
  const message = await socket.events.find((event) => event.type === "message");
  expect(message).toMatchObject({ text });
  expect(message.type === "message" && data.equals(message.data)).toBe(true);
});

test("pings and pongs pass in both directions", async () => {
  const port = await startWebSocketPod((socket) => {
    socket.on("ping", (payload: Buffer) => socket.pong(payload));
    socket.ping("from the pod");
  });
  const socket = openWebSocket(await tunnelTo(port), webSocketHead(port));
  await socket.events.find((event) => event.type === "ping" && event.payload === "from the pod");
  socket.stream.ping(Buffer.from("from the client"));
  await socket.events.find((event) => event.type === "pong" && event.payload === "from the client");
});

test.each([
  [1000, "done"],
  [1011, ""],
  [4321, "custom"],
  [1005, ""],
])("the pod's close code %d reaches the client", async (code, reason) => {
  const port = await startWebSocketPod((socket) => {
    if (code === 1005) socket.close();
    else socket.close(code, reason);
  });
  const socket = openWebSocket(await tunnelTo(port), webSocketHead(port));
  expect(await socket.events.find((event) => event.type === "close")).toEqual({
    type: "close",
    code,
    reason,
  });
});

test("the client's close code reaches the pod, and its answer the client", async () => {
  const closed = Promise.withResolvers<[number, string]>();
  const port = await startWebSocketPod((socket) => {
    socket.on("close", (code, reason) => closed.resolve([code, reason.toString()]));
  });
  const socket = openWebSocket(await tunnelTo(port), webSocketHead(port));
  await socket.events.find((event) => event.type === "head");
  socket.stream.close(4001, "enough");
  expect(await closed.promise).toEqual([4001, "enough"]);
  expect(await socket.events.find((event) => event.type === "close")).toMatchObject({ code: 4001 });
});

test("a pod that breaks the connection without a close frame resets the stream", async () => {
  const port = await startWebSocketPod((socket) => socket.terminate());
  const socket = openWebSocket(await tunnelTo(port), webSocketHead(port));
  expect(await socket.events.find((event) => event.type === "reset")).toMatchObject({
    reset: { code: "endpoint_reset" },
  });
});

test("a client that goes away breaks the connection to the pod", async () => {
  const closed = Promise.withResolvers<number>();
  const port = await startWebSocketPod((socket) => socket.on("close", (code) => closed.resolve(code)));
  const socket = openWebSocket(await tunnelTo(port), webSocketHead(port));
  await socket.events.find((event) => event.type === "head");
  socket.stream.reset("cancelled");
  expect(await closed.promise).toBe(1006);
});

test("messages that wait for a slow client arrive before the pod's goodbye", async () => {
  const port = await startWebSocketPod((socket) => {
    socket.send(Buffer.alloc(600 * 1024, 1));
    socket.send("last words");
    socket.close(1000, "bye");
  });
  const session = await tunnelTo(port);
  const pieces: number[] = [];
  const closed = Promise.withResolvers<number>();
  let heldBytes = 0;
  const stream = session.open(
    webSocketHead(port),
    {
      onReset: ({ code }) => closed.reject(new Error(code)),
      onMessage(chunk) {
        pieces.push(chunk.length);
        heldBytes += chunk.length;
        // Reads only once the whole first window is full.
        if (heldBytes < limits.initialWindowBytes / 2) return;
        stream.consumed(heldBytes);
        heldBytes = 0;
      },
      onClose: closed.resolve,
    },
    false,
  )!;
  expect(await closed.promise).toBe(1000);
  stream.close(1000, "");
  expect(pieces.reduce((sum, bytes) => sum + bytes, 0)).toBe(600 * 1024 + "last words".length);
});

test("a message beyond the limit is refused with its own code", async () => {
  const port = await startWebSocketPod((socket) =>
    socket.send(Buffer.alloc(limits.webSocketMessageBytes + 1)),
  );
  const socket = openWebSocket(await tunnelTo(port), webSocketHead(port));
  expect(await socket.events.find((event) => event.type === "reset")).toMatchObject({
    reset: { code: "message_too_large" },
  });
});

test("an ordinary answer to the handshake is passed on", async () => {
  const { port, server } = await startPod((_request, response) => response.writeHead(401).end());
  server.on("upgrade", (_request, socket) => {
    socket.end("HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic\r\ncontent-length: 0\r\n\r\n");
  });
  const socket = openWebSocket(await tunnelTo(port), webSocketHead(port));
  const answer = await socket.events.find((event) => event.type === "head");
  // Nothing of it stays behind.
  await socket.events.find((event) => event.type === "reset");
  expect(answer).toMatchObject({
    head: { status: 401, fields: expect.arrayContaining([["www-authenticate", "Basic"]]) },
  });
});

test("an agent that ends closes WebSockets as going away, towards both sides", async () => {
  const closed = Promise.withResolvers<number>();
  const port = await startWebSocketPod((socket) => socket.on("close", (code) => closed.resolve(code)));
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ config: podConfig([port]) });
  const agent = await fixture.startAgent(edge, { drainTimeoutMs: 50 });
  const socket = openWebSocket((await configured(edge)).session, webSocketHead(port));
  await socket.events.find((event) => event.type === "head");
  const drained = agent.drain();
  expect(await socket.events.find((event) => event.type === "close")).toMatchObject({ code: 1001 });
  expect(await closed.promise).toBe(1001);
  socket.stream.close(1001, "");
  await drained;
});

test("nobody listens: connect_failed", async () => {
  const port = await closedPort();
  const socket = openWebSocket(await tunnelTo(port), webSocketHead(port));
  expect(await socket.events.find((event) => event.type === "reset")).toMatchObject({
    reset: { code: "connect_failed", safe: true },
  });
});

test("an endpoint outside the allow list: endpoint_not_allowed", async () => {
  const port = await closedPort();
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ config: podConfig([port]) });
  await fixture.startAgent(edge, { allow: ["10.0.0.0/8"] });
  const socket = openWebSocket((await configured(edge)).session, webSocketHead(port));
  expect(await socket.events.find((event) => event.type === "reset")).toMatchObject({
    reset: { code: "endpoint_not_allowed" },
  });
});
