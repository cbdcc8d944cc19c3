// gRPC from client to pod with real clients and servers (grpc-js) on both ends: front door, gateway, tunnel, agent. Every
// kind of call, metadata and trailers, deadlines, cancellation, statuses of the gateway, retries, gRPC-Web.
import { request as httpRequest } from "node:http";
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  status,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type ServiceError,
  type sendUnaryData,
  type StatusObject,
} from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startAgent, startSystem, type System } from "./system/isthmus.ts";
import { eventually, freePorts, type Program } from "./system/process.ts";

const asIs = (bytes: Buffer): Buffer => bytes;
const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/test.Echo/${name}`,
  requestStream,
  responseStream,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
});
const service = {
  unary: method("Unary", false, false),
  download: method("Download", false, true),
  upload: method("Upload", true, false),
  chat: method("Chat", true, true),
} satisfies ServiceDefinition;

let pod: Server;
let podPort: number;
let system: System;
let agent: Program;
let client: Client;
let port: number;
let plainPort: number;
/** Calls of `Unary` by the word that they carried, and how calls of `Download` ended. */
const calls = new Map<string, number>();
const cancelled: string[] = [];
let lastMetadata: Metadata | undefined;
/** Until the deadline of the last call, as the pod was told. */
let leftMs = Infinity;

function trailers(fields: Record<string, string>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(fields)) {
    metadata.set(name, name.endsWith("-bin") ? Buffer.from(value) : value);
  }
  return metadata;
}

function unary(call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>): void {
  lastMetadata = call.metadata;
  leftMs = Number(call.getDeadline()) - Date.now();
  const word = call.request.toString();
  const count = (calls.get(word) ?? 0) + 1;
  calls.set(word, count);
  if (word === "silent") return;
  if (word === "denied") return done({ code: status.PERMISSION_DENIED, details: "not for you: \u00e9" });
  if (word.startsWith("flaky") && count < 3) return done({ code: status.UNAVAILABLE, details: "not yet" });
  call.sendMetadata(trailers({ "x-head": "1" }));
  done(null, Buffer.from(`echo ${word}`), trailers({ "x-trailer": "2", "x-bin-bin": "raw" }));
}

function download(call: ServerWritableStream<Buffer, Buffer>): void {
  const word = call.request.toString();
  call.once("cancelled", () => cancelled.push(word));
  for (let index = 0; index < 3; index += 1) call.write(Buffer.from(`${word} ${index}`));
  if (word === "endless") return;
  call.end(trailers({ "x-count": "3" }));
}

function upload(call: ServerReadableStream<Buffer, Buffer>, done: sendUnaryData<Buffer>): void {
  let bytes = 0;
  call.on("data", (chunk: Buffer) => (bytes += chunk.length));
  call.on("end", () => done(null, Buffer.from(String(bytes))));
}

function chat(call: ServerDuplexStream<Buffer, Buffer>): void {
  call.sendMetadata(trailers({ "x-head": "chat" }));
  call.on("data", (chunk: Buffer) => {
    if (chunk.toString() === "enough") call.end(trailers({ "x-trailer": "enough" }));
    else call.write(Buffer.from(`echo ${chunk.toString()}`));
  });
  call.on("end", () => call.end(trailers({ "x-trailer": "bye" })));
}

beforeAll(async () => {
  pod = new Server();
  pod.addService(service, { unary, download, upload, chat });
  podPort = await new Promise((done, fail) =>
    pod.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? fail(error) : done(bound),
    ),
  );
  [port, plainPort] = (await freePorts(2)) as [number, number];
  system = await startSystem(`
listeners:
  - { name: grpc, protocol: HTTP, port: ${port}, http2: true }
  - { name: plain, protocol: HTTP, port: ${plainPort} }
routes:
  - name: echo
    rules:
      - matches: [{ path: { type: PathPrefix, value: /test.Echo } }]
        backendRefs: [{ name: pods }]
      - name: short
        matches: [{ path: { type: PathPrefix, value: /test.Echo }, headers: [{ name: x-rule, value: short }] }]
        backendRefs: [{ name: pods }]
        timeouts: { request: 2s }
      - name: retried
        matches: [{ path: { type: PathPrefix, value: /test.Echo }, headers: [{ name: x-rule, value: retried }] }]
        backendRefs: [{ name: pods }]
        retry: { numRetries: 3, retryOn: { triggers: [unavailable] }, perRetry: { backOff: { baseInterval: 1ms } } }
      - name: nowhere
        matches: [{ path: { type: PathPrefix, value: /test.Echo }, headers: [{ name: x-rule, value: nowhere }] }]
        backendRefs: [{ name: nowhere }]
backends:
  - name: pods
    protocol: GRPC
    tunnel: production
    endpoints: [{ address: 127.0.0.1, port: ${podPort} }]
  - name: nowhere
    protocol: GRPC
    tunnel: production
    endpoints: [{ address: 127.0.0.1, port: 1 }]
`);
  agent = await startAgent(system, "production");
  client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  await eventually("a call comes through", async () => (await call("ready")).answer !== undefined);
});

afterAll(async () => {
  client?.close();
  await agent?.stop();
  await system?.stop();
  pod?.forceShutdown();
});

interface Outcome {
  answer?: string | undefined;
  error?: ServiceError | undefined;
  head?: Metadata | undefined;
  status?: StatusObject | undefined;
}

function call(word: string, fields: Record<string, string> = {}, deadlineMs = 20_000): Promise<Outcome> {
  return new Promise((done) => {
    const outcome: Outcome = {};
    const { unary } = service;
    const options = { deadline: Date.now() + deadlineMs };
    const running = client.makeUnaryRequest(
      unary.path,
      asIs,
      asIs,
      Buffer.from(word),
      trailers(fields),
      options,
      (error, answer) => Object.assign(outcome, { error: error ?? undefined, answer: answer?.toString() }),
    );
    running.on("metadata", (head) => (outcome.head = head));
    running.on("status", (status) => done({ ...outcome, status }));
  });
}

test("unary: metadata there, metadata and trailers back", async () => {
  const { answer, head, status: ended } = await call("hello", { "x-sent": "a", "x-sent-bin": "raw" });
  expect(answer).toBe("echo hello");
  expect(head?.get("x-head")).toEqual(["1"]);
  expect(ended).toMatchObject({ code: status.OK });
  expect(ended?.metadata.get("x-trailer")).toEqual(["2"]);
  expect(lastMetadata?.get("x-sent")).toEqual(["a"]);
  expect(lastMetadata?.get("x-sent-bin")).toEqual([Buffer.from("raw")]);
  expect(Object.keys(lastMetadata!.getMap()).filter((name) => name.startsWith("isthmus-"))).toEqual([]);
});

test("a status of the pod arrives with its message", async () => {
  const { error } = await call("denied");
  expect(error).toMatchObject({ code: status.PERMISSION_DENIED, details: "not for you: \u00e9" });
});

test("server streaming, with trailers", async () => {
  const running = client.makeServerStreamRequest(service.download.path, asIs, asIs, Buffer.from("d"));
  const words: string[] = [];
  running.on("data", (chunk: Buffer) => words.push(chunk.toString()));
  const ended = await statusOf(running);
  expect(words).toEqual(["d 0", "d 1", "d 2"]);
  expect(ended.metadata.get("x-count")).toEqual(["3"]);
});

function statusOf(
  running: ClientReadableStream<Buffer> | ClientDuplexStream<Buffer, Buffer>,
): Promise<StatusObject> {
  running.on("error", () => undefined);
  return new Promise((done) => running.once("status", done));
}

test("client streaming: 3 MiB in many messages", async () => {
  const answer = await new Promise<string>((done, fail) => {
    const running = client.makeClientStreamRequest(service.upload.path, asIs, asIs, (error, total) =>
      error ? fail(error) : done(String(total)),
    );
    for (let index = 0; index < 48; index += 1) running.write(Buffer.alloc(64 * 1024));
    running.end();
  });
  expect(answer).toBe(String(48 * 64 * 1024));
});

test("bidirectional: the head at once, then each answer before the next message", async () => {
  const running = client.makeBidiStreamRequest<Buffer, Buffer>(service.chat.path, asIs, asIs);
  const head = await new Promise<Metadata>((done) => running.once("metadata", done));
  expect(head.get("x-head")).toEqual(["chat"]);
  for (const word of ["one", "two", "three"]) {
    const answer = new Promise<Buffer>((done) => running.once("data", done));
    running.write(Buffer.from(word));
    expect((await answer).toString()).toBe(`echo ${word}`);
  }
  const ended = statusOf(running);
  running.end();
  running.resume();
  expect(await ended).toMatchObject({ code: status.OK });
  expect((await ended).metadata.get("x-trailer")).toEqual(["bye"]);
});

test("a pod may end a stream that the client goes on with", async () => {
  const running = client.makeBidiStreamRequest<Buffer, Buffer>(service.chat.path, asIs, asIs);
  const ended = statusOf(running);
  running.resume();
  running.write(Buffer.from("enough"));
  expect(await ended).toMatchObject({ code: status.OK });
  expect((await ended).metadata.get("x-trailer")).toEqual(["enough"]);
});

test("a client's deadline is the pod's, too", async () => {
  leftMs = Infinity;
  const { error } = await call("silent", {}, 2_000);
  expect(error?.code).toBe(status.DEADLINE_EXCEEDED);
  expect(leftMs).toBeGreaterThan(0);
  expect(leftMs).toBeLessThanOrEqual(2_000);
});

test("the route's timeout shortens the deadline, before the head and in the middle of a stream", async () => {
  leftMs = Infinity;
  const { error } = await call("silent", { "x-rule": "short" });
  expect(error).toMatchObject({ code: status.DEADLINE_EXCEEDED });
  expect(leftMs).toBeLessThanOrEqual(2_000);
  const metadata = trailers({ "x-rule": "short" });
  const running = client.makeServerStreamRequest(
    service.download.path,
    asIs,
    asIs,
    Buffer.from("endless"),
    metadata,
  );
  const words: string[] = [];
  running.on("data", (chunk: Buffer) => words.push(chunk.toString()));
  expect(await statusOf(running)).toMatchObject({ code: status.DEADLINE_EXCEEDED });
  expect(words).toHaveLength(3);
});

test("a call that the client cancels is cancelled at the pod", async () => {
  cancelled.length = 0;
  const running = client.makeServerStreamRequest(service.download.path, asIs, asIs, Buffer.from("endless"));
  const ended = statusOf(running);
  await new Promise((done) => running.once("data", done));
  running.cancel();
  expect(await ended).toMatchObject({ code: status.CANCELLED });
  await eventually("the pod hears of it", async () => cancelled.includes("endless"));
});

test("errors of the gateway are statuses", async () => {
  const unrouted = await new Promise<ServiceError>((done) =>
    client.makeUnaryRequest("/other.Service/Call", asIs, asIs, Buffer.alloc(0), (error) => done(error!)),
  );
  expect(unrouted).toMatchObject({
    code: status.UNIMPLEMENTED,
    details: expect.stringContaining("route_not_found"),
  });
  const { error } = await call("x", { "x-rule": "nowhere" });
  expect(error).toMatchObject({
    code: status.UNAVAILABLE,
    details: expect.stringContaining("endpoint_connect_failed"),
  });
});

test("statuses that the retry policy names are tried again, with the whole message", async () => {
  expect((await call("flaky a")).error?.code).toBe(status.UNAVAILABLE);
  expect(calls.get("flaky a")).toBe(1);
  expect((await call("flaky b", { "x-rule": "retried" })).answer).toBe("echo flaky b");
  expect(calls.get("flaky b")).toBe(3);
});

test("a stream in both directions goes on under a retry policy", async () => {
  const metadata = trailers({ "x-rule": "retried" });
  const running = client.makeBidiStreamRequest<Buffer, Buffer>(service.chat.path, asIs, asIs, metadata);
  for (let index = 0; index < 40; index += 1) {
    const answer = new Promise<Buffer>((done) => running.once("data", done));
    running.write(Buffer.alloc(4096, "x"));
    expect((await answer).length).toBe(4096 + 5);
  }
  const ended = statusOf(running);
  running.end();
  running.resume();
  expect(await ended).toMatchObject({ code: status.OK });
});

/** A gRPC-Web call as a browser makes it: HTTP/1.1, to a listener that workerd itself serves. */
function webCall(type: string, body: Buffer): Promise<{ type: string; body: Buffer }> {
  return new Promise((done, fail) => {
    const outgoing = httpRequest(
      {
        host: "127.0.0.1",
        port: plainPort,
        method: "POST",
        path: service.unary.path,
        headers: { "content-type": type, "x-grpc-web": "1" },
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.once("end", () =>
          done({ type: incoming.headers["content-type"] ?? "", body: Buffer.concat(chunks) }),
        );
      },
    );
    outgoing.once("error", fail);
    outgoing.end(body);
  });
}

function framed(message: string): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, Buffer.from(message)]);
}

test.each([
  ["application/grpc-web+proto", (bytes: Buffer) => bytes, (bytes: Buffer) => bytes],
  [
    "application/grpc-web-text+proto",
    (bytes: Buffer) => Buffer.from(bytes.toString("base64")),
    (bytes: Buffer) =>
      Buffer.concat((bytes.toString().match(/[^=]+=*/g) ?? []).map((part) => Buffer.from(part, "base64"))),
  ],
])("gRPC-Web (%s) to a pod of gRPC, past a listener without trailers", async (type, encode, decode) => {
  const answer = await webCall(type, encode(framed("web")));
  expect(answer.type).toBe(type);
  const body = decode(answer.body);
  const message = framed("echo web");
  expect(body.subarray(0, message.length)).toEqual(message);
  const last = body.subarray(message.length);
  expect(last[0]).toBe(0x80);
  expect(last.subarray(5).toString()).toMatch(/^(?=[^]*grpc-status: 0\r\n)(?=[^]*x-trailer: 2\r\n)/);
});
