// HTTP/2 at the client's side of `isthmus serve`: prior knowledge on a plain listener, both directions at once, early
// answers, and WebSockets on a stream of it.
import { once } from "node:events";
import { createServer } from "node:http";
import {
  connect,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
} from "node:http2";
import { connect as connectTcp, type AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { ask } from "./system/http.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { freePorts } from "./system/process.ts";

const host = "app.example.com";
let system: System;
let session: ClientHttp2Session;
let port: number;

/** Echoes each piece of a body as it comes; answers before the body's end where asked to. */
const pod = createServer((request, response) => {
  if (request.url === "/refused") return void response.writeHead(413).end("too large");
  if (request.url === "/empty") return void response.writeHead(204).end();
  response.writeHead(200, { "x-method": request.method, "x-http": request.httpVersion });
  response.flushHeaders();
  request.pipe(response);
});

beforeAll(async () => {
  const sockets = new WebSocketServer({ server: pod, path: "/socket" });
  sockets.on("connection", (socket) => {
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  pod.listen(0, "127.0.0.1");
  await once(pod, "listening");
  [port] = (await freePorts(1)) as [number];
  system = await startSystem(`
listeners: [{ name: web, protocol: HTTP, port: ${port}, http2: true }]
routes: [{ name: all, hostnames: [${host}], rules: [{ backendRefs: [{ name: pods }] }] }]
backends: [{ name: pods, endpoints: [{ address: 127.0.0.1, port: ${(pod.address() as AddressInfo).port} }] }]
`);
  session = connect(`http://127.0.0.1:${port}`);
});

afterAll(async () => {
  session?.destroy();
  await system?.stop();
  pod.closeAllConnections();
  pod.close();
});

const send = (method: string, path: string, headers: Record<string, string> = {}): ClientHttp2Stream =>
  session.request(
    { ":method": method, ":path": path, ":authority": host, ...headers },
    { endStream: method === "GET" || method === "HEAD" },
  );

async function head(stream: ClientHttp2Stream): Promise<IncomingHttpHeaders & { ":status"?: number }> {
  return ((await once(stream, "response")) as [IncomingHttpHeaders])[0];
}

async function piece(stream: ClientHttp2Stream): Promise<string> {
  return String(((await once(stream, "data")) as [Buffer])[0]);
}

test("the answer's head, and each piece of it, come while the request is still being sent", async () => {
  const stream = send("POST", "/");
  expect(await head(stream)).toMatchObject({ ":status": 200, "x-method": "POST" });
  for (const word of ["one", "two", "three"]) {
    stream.write(word);
    expect(await piece(stream)).toBe(word);
  }
  stream.end();
  stream.resume();
  await once(stream, "end");
});

test("the same port speaks HTTP/1.1, in pieces of any size", async () => {
  expect((await ask({ port, host, method: "POST", body: "hello" })).body).toBe("hello");
  const socket = connectTcp({ port, host: "127.0.0.1", noDelay: true });
  for (const letter of `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`) {
    await new Promise((done) => socket.write(letter, done));
  }
  expect(String(((await once(socket, "data")) as [Buffer])[0])).toMatch(/^HTTP\/1\.1 200 /);
  socket.destroy();
});

test("HEAD, 204 and an answer to an upload that nobody reads end their streams", async () => {
  for (const [method, path, status] of [
    ["HEAD", "/", 200],
    ["GET", "/empty", 204],
    ["POST", "/refused", 413],
  ] as const) {
    const stream = send(method, path);
    if (method === "POST") stream.write(Buffer.alloc(256 * 1024));
    expect((await head(stream))[":status"]).toBe(status);
    stream.resume();
    await once(stream, "end");
    stream.destroy();
  }
});

test("a WebSocket on a stream (RFC 8441)", async () => {
  const stream = session.request({
    ":method": "CONNECT",
    ":protocol": "websocket",
    ":scheme": "http",
    ":path": "/socket",
    ":authority": host,
    "sec-websocket-version": "13",
  });
  const answer = await head(stream);
  expect(answer[":status"]).toBe(200);
  expect(answer["sec-websocket-accept"]).toBeUndefined();
  // A text frame, masked with zeros, and the frame that comes back (RFC 6455 §5.2).
  stream.write(Buffer.concat([Buffer.from([0x81, 0x85, 0, 0, 0, 0]), Buffer.from("hello")]));
  expect(await piece(stream)).toBe(`\u0081\u0005hello`.replace("\u0081", Buffer.from([0x81]).toString()));
  stream.destroy();
});

test("any other CONNECT is refused", async () => {
  const stream = session.request({ ":method": "CONNECT", ":authority": "elsewhere.example.com:443" });
  expect((await head(stream))[":status"]).toBe(501);
  stream.destroy();
});

test("a connection that says nothing HTTP is closed, and harms nobody", async () => {
  const socket = connectTcp(port, "127.0.0.1");
  socket.end("PRI * HTTP/3.0\r\n\r\nnonsense");
  socket.resume();
  await once(socket, "close");
  const answer = await head(send("GET", "/"));
  expect(answer[":status"]).toBe(200);
});
