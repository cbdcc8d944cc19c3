// Trailers of requests, from clients of the front door to pods behind agents, over both versions of HTTP; and no trace of the
// frames that they travel in where nobody can take trailers, or where a policy looks at the body.
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import {
  connect,
  createServer as createHttp2Server,
  type ClientHttp2Session,
  type Http2ServerRequest,
} from "node:http2";
import { request as httpsRequest } from "node:https";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loopback } from "./system/http.ts";
import { eventually } from "./system/process.ts";
import { listen } from "./system/tcp.ts";
import { host, startTunnelledSystem, type TunnelledSystem } from "./system/tunnelled-system.ts";

/** What a pod saw of a request. */
interface Seen {
  headers: Record<string, string | undefined>;
  bytes: number;
  sum: number;
  trailers: Record<string, string>;
}

let running: TunnelledSystem;
let session: ClientHttp2Session;
let ca: string;
let port: number;
let mirrored: Seen[] = [];
let attempts: Seen[] = [];

/** As much as three windows of a stream, in odd pieces. */
const large = Array.from({ length: 100 }, (_, index) => Buffer.alloc(9_999, index));
const sumOf = (chunk: Buffer): number => chunk.reduce((sum, byte) => sum + byte, 0);
const largeBody = { bytes: 999_900, sum: large.reduce((sum, chunk) => sum + sumOf(chunk), 0) };

/** Answers with what it has seen, at the end of the request. */
const pod = createServer((request, response) => {
  seenOf(request).then(
    (seen) => {
      if (request.url === "/retried" && attempts.push(seen) === 1)
        return void response.writeHead(503).end("{}");
      if (request.url === "/mirror-target") mirrored.push(seen);
      response.end(JSON.stringify(seen));
    },
    () => response.destroy(),
  );
});
const http2Pod = createHttp2Server((request, response) => {
  seenOf(request).then(
    (seen) => response.end(JSON.stringify(seen)),
    () => response.stream.destroy(),
  );
});

async function seenOf(request: IncomingMessage | Http2ServerRequest): Promise<Seen> {
  let bytes = 0;
  let sum = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    sum += sumOf(chunk);
  }
  const { headers, trailers } = request;
  return { headers: headers as Seen["headers"], bytes, sum, trailers: trailers as Seen["trailers"] };
}

beforeAll(async () => {
  const podPort = await listen(pod);
  const http2Port = await listen(http2Pod);
  running = await startTunnelledSystem({
    config: () => `
routes:
  - name: all
    rules:
      - backendRefs: [{ name: pods }]
      - matches: [{ path: { value: /http2 } }]
        backendRefs: [{ name: http2-pods }]
      - matches: [{ path: { value: /direct } }]
        backendRefs: [{ name: direct }]
      - matches: [{ path: { value: /mirrored } }]
        filters: [{ type: RequestMirror, requestMirror: { backendRef: { name: direct } } }]
        backendRefs: [{ name: pods }]
      - matches: [{ path: { value: /mirror-target } }]
        filters: [{ type: RequestMirror, requestMirror: { backendRef: { name: direct } } }]
        backendRefs: [{ name: http2-pods }]
      - matches: [{ path: { value: /retried } }]
        retry: { attempts: 2, codes: [503] }
        backendRefs: [{ name: pods }]
      - matches: [{ path: { value: /small } }]
        securityPolicy: { requestLimits: { bodyBytes: 1000 } }
        backendRefs: [{ name: pods }]
      - matches: [{ path: { value: /modified } }]
        filters: [{ type: RequestHeaderModifier, requestHeaderModifier: { remove: [X-Removed], set: [{ name: X-Set, value: gateway }] } }]
        backendRefs: [{ name: pods }]
backends:
  - { name: pods, tunnel: production, endpoints: [{ address: 127.0.0.1, port: ${podPort} }] }
  - { name: direct, endpoints: [{ address: 127.0.0.1, port: ${podPort} }] }
  - { name: http2-pods, protocol: H2C, tunnel: production, endpoints: [{ address: 127.0.0.1, port: ${http2Port} }] }
`,
  });
  ca = running.ca;
  port = running.ports.secure;
  session = connect(`https://${host}:${port}`, { ca, lookup: loopback } as object);
});

afterAll(async () => {
  session?.destroy();
  await running?.stop();
  pod.closeAllConnections();
  pod.close();
  http2Pod.close();
});

interface Answer {
  status: number;
  seen: Seen;
}

/** Over HTTP/1.1. */
async function ask(
  path: string,
  chunks: Buffer[],
  trailers?: Record<string, string>,
  { method = "POST", type = "text/plain" } = {},
): Promise<Answer> {
  const headers = { "content-type": type, ...(trailers && { trailer: Object.keys(trailers).join(", ") }) };
  const outgoing = httpsRequest({
    host: "127.0.0.1",
    servername: host,
    port,
    ca,
    path,
    method,
    headers: { ...headers, "transfer-encoding": "chunked" },
  });
  const answered = once(outgoing, "response") as Promise<[IncomingMessage]>;
  // An answer before the request's end may be followed by a reset.
  outgoing.on("error", () => undefined);
  for (const chunk of chunks) outgoing.write(chunk);
  if (trailers) outgoing.addTrailers(trailers);
  outgoing.end();
  const [message] = await answered;
  return { status: message.statusCode ?? 0, seen: JSON.parse(await text(message)) as Seen };
}

async function askHttp2(path: string, chunks: Buffer[], trailers: Record<string, string>): Promise<Answer> {
  const stream = session.request(
    { ":path": path, ":method": "POST", trailer: Object.keys(trailers).join(", ") },
    { waitForTrailers: true },
  );
  stream.once("wantTrailers", () => stream.sendTrailers(trailers));
  const answered = once(stream, "response") as Promise<[{ ":status"?: number }]>;
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  const [head] = await answered;
  return { status: head[":status"] ?? 0, seen: JSON.parse(await text(stream)) as Seen };
}

async function text(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const trailers = { "x-sum": "42", "x-other": "7" };

test.each([
  ["HTTP/1.1 to HTTP/1.1", ask, "/"],
  ["HTTP/1.1 to HTTP/2", ask, "/http2"],
  ["HTTP/2 to HTTP/1.1", askHttp2, "/"],
  ["HTTP/2 to HTTP/2", askHttp2, "/http2"],
] as const)("from %s, behind a body of any size", async (_way, send, path) => {
  for (const [chunks, body] of [
    [[], { bytes: 0, sum: 0 }],
    [[Buffer.from("a")], { bytes: 1, sum: 97 }],
    [large, largeBody],
  ] as const) {
    const { status, seen } = await send(path, [...chunks], trailers);
    expect(status).toBe(200);
    expect(seen).toMatchObject({ ...body, trailers });
    expect(seen.headers["trailer"]).toBe("x-sum, x-other");
    expect(Object.keys(seen.headers).filter((name) => name.startsWith("isthmus"))).toEqual([]);
  }
});

test("an endpoint that the gateway dials itself gets the body as it is, without trailers", async () => {
  for (const send of [ask, askHttp2]) {
    const { status, seen } = await send("/direct", large, trailers);
    expect([status, seen.trailers]).toEqual([200, {}]);
    expect(seen).toMatchObject(largeBody);
  }
});

test("mirrors and limits see the body and not its frames", async () => {
  const { seen } = await ask("/mirrored", large.slice(0, 2), trailers);
  expect(seen).toMatchObject({ bytes: 19_998, trailers: { "x-sum": "42" } });
  mirrored = [];
  expect((await ask("/mirror-target", large.slice(0, 2), trailers)).seen.bytes).toBe(19_998);
  await eventually("the copy has arrived", async () => mirrored.length === 1);
  expect(mirrored[0]).toMatchObject({ bytes: 19_998, trailers: {} });
  // 5 bytes of frame around each piece would be too much.
  const exact = Array.from({ length: 100 }, () => Buffer.alloc(10));
  expect((await ask("/small", exact, trailers)).seen).toMatchObject({ bytes: 1_000 });
  expect((await ask("/small", [...exact, Buffer.alloc(1)], trailers)).status).toBe(413);
});

test("a request that is sent again has its trailers again; one that cannot be is not sent at all", async () => {
  // Calls of gRPC are kept as they pass.
  attempts = [];
  const call = { method: "PUT", type: "application/grpc" };
  const { status, seen } = await ask("/retried", large.slice(0, 2), trailers, call);
  expect([status, seen.trailers]).toEqual([200, trailers]);
  expect(attempts).toMatchObject([
    { bytes: 19_998, trailers },
    { bytes: 19_998, trailers },
  ]);
  // Of other bodies nothing is kept where the head gives no length.
  attempts = [];
  expect((await ask("/retried", large.slice(0, 2), trailers, { method: "PUT" })).status).toBe(503);
  expect(attempts).toHaveLength(1);
});

test("what a client must not say in the head it cannot say behind the body", async () => {
  const forged = {
    "x-sum": "42",
    "x-forwarded-for": "1.2.3.4",
    "isthmus-endpoint": "x",
    authorization: "Basic x",
    "x-removed": "1",
    "x-set": "client",
  };
  for (const send of [ask, askHttp2]) {
    const { seen } = await send("/modified", [Buffer.from("a")], forged);
    expect(seen.trailers).toEqual({ "x-sum": "42" });
    expect(seen.headers["x-set"]).toBe("gateway");
  }
});

test("trailers longer than a tunnel takes are refused, and the front door goes on", async () => {
  const { status } = await ask("/", [Buffer.from("a")], { "x-sum": "x".repeat(61 * 1024) });
  expect(status).toBe(431);
  expect((await ask("/", [], trailers)).seen.trailers).toEqual(trailers);
});
