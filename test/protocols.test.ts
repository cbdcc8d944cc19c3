// What HTTP carries from client to pod beside plain requests: front door with TLS, gateway, tunnel, agent. Trailers, events,
// expectations, answers and bodies of every framing, WebSockets; gRPC to a pod that speaks TLS, too.
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { connect, type ClientHttp2Session } from "node:http2";
import { request as httpsRequest, type RequestOptions } from "node:https";
import { Client, credentials, Server as GrpcServer, ServerCredentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import type { KeyPairFiles } from "../cli/serve/listener-certificates.ts";
import { loopback } from "./system/http.ts";
import { eventually } from "./system/process.ts";
import { listen } from "./system/tcp.ts";
import { host, startTunnelledSystem, type TunnelledSystem } from "./system/tunnelled-system.ts";

const asIs = (bytes: Buffer): Buffer => bytes;
let running: TunnelledSystem;
let session: ClientHttp2Session;
let ca: string;
let port: number;
let eventsClosed = 0;

const pod = createServer((request, response) => {
  switch (request.url) {
    case "/trailers":
      response.writeHead(200, { trailer: "x-sum" });
      response.write("body");
      response.addTrailers([["x-sum", "42"]]);
      return void response.end();
    case "/not-modified":
      return void response.writeHead(304, { etag: '"1"' }).end();
    case "/no-content":
      return void response.writeHead(204, { "x-pod": "1" }).end();
    case "/length":
      return void response
        .writeHead(200, { "content-length": "5" })
        .end(request.method === "HEAD" ? "" : "12345");
    case "/duplicates":
      return void response
        .writeHead(
          200,
          [
            ["ETag", '"a"'],
            ["ETag", '"b"'],
            ["Set-Cookie", "a=1"],
            ["Set-Cookie", "b=2"],
            ["TE", "gzip"],
            ["HTTP2-Settings", "x"],
          ].flat(),
        )
        .end();
    case "/events": {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.flushHeaders();
      let count = 0;
      const next = setInterval(() => response.write(`data: ${(count += 1)}\n\n`), 50);
      return void response.once("close", () => {
        clearInterval(next);
        eventsClosed += 1;
      });
    }
    default:
      response.setHeader(
        "x-framing",
        request.headers["transfer-encoding"] ?? request.headers["content-length"] ?? "",
      );
      return void request.pipe(response);
  }
});

beforeAll(async () => {
  const sockets = new WebSocketServer({ server: pod, path: "/socket", handleProtocols: () => "chat" });
  sockets.on("connection", (socket) => {
    socket.on("message", (data, isBinary) => {
      if (String(data) === "close me") socket.close(4002, "as you wish");
      else socket.send(data, { binary: isBinary });
    });
  });
  const podPort = await listen(pod);
  running = await startTunnelledSystem({
    readyPath: "/length",
    agentFlags: ({ certFile }) => ["--endpoint-ca-file", certFile],
    config: async (files) => `
routes:
  - name: all
    rules:
      - backendRefs: [{ name: pods }]
      - matches: [{ path: { value: /test.Echo } }]
        backendRefs: [{ name: calls }]
backends:
  - { name: pods, tunnel: production, endpoints: [{ address: 127.0.0.1, port: ${podPort} }] }
  - name: calls
    protocol: GRPCS
    tunnel: production
    endpoints: [{ address: localhost, port: ${await startGrpcPod(files)} }]
    healthCheck: { active: { type: GRPC, interval: 1s, timeout: 900ms } }
`,
  });
  ca = running.ca;
  port = running.ports.secure;
  session = connect(`https://${host}:${port}`, { ca, lookup: loopback } as object);
});

afterAll(async () => {
  session?.destroy();
  await running?.stop();
  grpcPod?.forceShutdown();
  pod.closeAllConnections();
  pod.close();
});

let grpcPod: GrpcServer | undefined;
/** What the health check is answered: 1 SERVING, 2 NOT_SERVING. */
let serving = 1;

function startGrpcPod({ certFile, keyFile }: KeyPairFiles): Promise<number> {
  const server = (grpcPod = new GrpcServer());
  const method = (path: string) => ({
    path,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  });
  server.addService(
    { echo: method("/test.Echo/Unary"), check: method("/grpc.health.v1.Health/Check") },
    {
      echo: ({ request }: { request: Buffer }, done: (error: null, answer: Buffer) => void) =>
        done(null, request),
      check: (_call: unknown, done: (error: null, answer: Buffer) => void) =>
        done(null, Buffer.from([8, serving])),
    },
  );
  const pair = { private_key: readFileSync(keyFile), cert_chain: readFileSync(certFile) };
  const secure = ServerCredentials.createSsl(null, [pair]);
  return new Promise((done, fail) =>
    server.bindAsync("127.0.0.1:0", secure, (error, bound) => (error ? fail(error) : done(bound))),
  );
}

interface Answer {
  status: number;
  message: IncomingMessage;
  body: string;
}

function ask(
  path: string,
  options: RequestOptions = {},
  body?: (send: (chunk: string | Buffer) => void) => void,
): Promise<Answer> {
  return new Promise((done, fail) => {
    const outgoing = httpsRequest(
      { host: "127.0.0.1", servername: host, port, path, ca, ...options },
      (message) => {
        let text = "";
        message.on("data", (chunk: Buffer) => (text += chunk.toString()));
        message.once("error", fail);
        message.once("end", () => done({ status: message.statusCode ?? 0, message, body: text }));
      },
    );
    outgoing.once("error", fail);
    body?.((chunk) => outgoing.write(chunk));
    outgoing.end();
  });
}

test("trailers, over HTTP/1.1 and HTTP/2, to clients that take them", async () => {
  const taking = await ask("/trailers", { headers: { te: "trailers" } });
  expect(taking.body).toBe("body");
  expect(taking.message.trailers).toEqual({ "x-sum": "42" });
  const other = await ask("/trailers");
  expect(other.body).toBe("body");
  expect(other.message.trailers).toEqual({});
  const stream = session.request({ ":path": "/trailers", te: "trailers" });
  const trailers = once(stream, "trailers");
  stream.resume();
  expect((await trailers)[0]).toMatchObject({ "x-sum": "42" });
});

test("answers without a body keep their fields: HEAD, 204, 304", async () => {
  const head = await ask("/length", { method: "HEAD" });
  expect([head.status, head.message.headers["content-length"], head.body]).toEqual([200, "5", ""]);
  const empty = await ask("/no-content");
  expect([empty.status, empty.message.headers["x-pod"], empty.body]).toEqual([204, "1", ""]);
  const same = await ask("/not-modified");
  expect([same.status, same.message.headers.etag, same.body]).toEqual([304, '"1"', ""]);
});

test("fields that an endpoint repeats harm nobody over HTTP/2", async () => {
  const stream = session.request({ ":path": "/duplicates" });
  const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
  expect(headers["set-cookie"]).toEqual(["a=1", "b=2"]);
  stream.resume();
  await once(stream, "end");
});

test("bodies with and without a length, and an expectation that is met", async () => {
  const known = await ask("/", { method: "POST", headers: { "content-length": "5" } }, (send) =>
    send("12345"),
  );
  expect([known.body, known.message.headers["x-framing"]]).toEqual(["12345", "5"]);
  const unknown = await ask("/", { method: "POST", headers: { "transfer-encoding": "chunked" } }, (send) => {
    send("one ");
    send("two");
  });
  expect(unknown.body).toBe("one two");
  const outgoing = httpsRequest({
    host: "127.0.0.1",
    servername: host,
    port,
    ca,
    method: "PUT",
    headers: { expect: "100-continue", "content-length": "4" },
  });
  outgoing.flushHeaders();
  await once(outgoing, "continue");
  outgoing.end("body");
  const [message] = (await once(outgoing, "response")) as [IncomingMessage];
  expect(message.statusCode).toBe(200);
  message.resume();
});

test("server-sent events arrive one by one; when the client leaves, the pod hears of it", async () => {
  const before = eventsClosed;
  const stream = session.request({ ":path": "/events" });
  await once(stream, "response");
  let text = "";
  await new Promise<void>((done) =>
    stream.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("data: 3")) done();
    }),
  );
  stream.close();
  await eventually("the pod's event stream is closed", async () => eventsClosed > before);
});

test("a WebSocket: subprotocol, text, binary, 1 MiB, ping, close codes", async () => {
  const socket = new WebSocket(`wss://${host}:${port}/socket`, ["chat"], { ca, lookup: loopback } as object);
  await once(socket, "open");
  expect(socket.protocol).toBe("chat");
  const echoed = async (data: string | Buffer): Promise<[Buffer, boolean]> => {
    socket.send(data);
    return (await once(socket, "message")) as [Buffer, boolean];
  };
  expect(await echoed("h\u00e9llo")).toEqual([Buffer.from("h\u00e9llo"), false]);
  const big = randomBytes(1024 * 1024);
  const [back, isBinary] = await echoed(big);
  expect([back.equals(big), isBinary]).toEqual([true, true]);
  const pong = once(socket, "pong");
  socket.ping("are you there");
  expect(String((await pong)[0])).toBe("are you there");
  socket.send("close me");
  expect((await once(socket, "close")).map(String)).toEqual(["4002", "as you wish"]);
});

test("gRPC with TLS on both ends; an endpoint that is not SERVING gets no calls", async () => {
  const client = new Client(`${host}:${port}`, credentials.createSsl(Buffer.from(ca)));
  const call = (): Promise<{ code?: number; answer?: string }> =>
    new Promise((done) =>
      client.makeUnaryRequest("/test.Echo/Unary", asIs, asIs, Buffer.from("hello"), (error, answer) =>
        done(error ? { code: error.code } : { answer: String(answer) }),
      ),
    );
  expect(await call()).toEqual({ answer: "hello" });
  serving = 2;
  await eventually("calls are refused as UNAVAILABLE", async () => (await call()).code === 14);
  serving = 1;
  await eventually("calls are answered again", async () => (await call()).answer === "hello");
  client.close();
});

test("16 MiB up and down on one stream of HTTP/2, intact", async () => {
  const stream = session.request({ ":path": "/", ":method": "POST", te: "trailers" });
  const sent = createHash("sha256");
  const received = createHash("sha256");
  const chunk = randomBytes(256 * 1024);
  const upload = async (): Promise<void> => {
    for (let count = 0; count < 64; count += 1) {
      sent.update(chunk);
      if (!stream.write(chunk)) await once(stream, "drain");
    }
    stream.end();
  };
  const uploaded = upload();
  for await (const part of stream as AsyncIterable<Buffer>) received.update(part);
  await uploaded;
  expect(received.digest("hex")).toBe(sent.digest("hex"));
});
