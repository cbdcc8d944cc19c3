import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream, type ServerOptions } from "node:http2";
import { expect, test } from "vitest";
import type { BackendProtocol } from "#contract/snapshot.ts";
import type { Fields } from "#contract/tunnel/head.ts";
import { configured, createFixture, podConfig, podKey } from "./testing/agent-fixture.ts";
import { exchange, openHead, ResetError, text } from "./testing/exchange.ts";
import { closedPort, startHttp2Pod, startPod, startRawPod } from "./testing/pod.ts";

type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

async function tunnelTo(onStream: OnStream, options: ServerOptions = {}, protocol: BackendProtocol = "H2C") {
  const pod = await startHttp2Pod(onStream, options);
  return { ...(await tunnelToPort(pod.port, protocol)), pod };
}

async function tunnelToPort(port: number, protocol: BackendProtocol = "H2C") {
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ config: podConfig([port], { protocol }) });
  await fixture.startAgent(edge);
  const { session } = await configured(edge);
  return { session, key: podKey(port), edge };
}

const grpcFields: Fields = [["content-type", "application/grpc"]];
const post = (fields: Fields = []) => ({ method: "POST", target: "/pkg.Service/Call", fields });

async function* pieces(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

const field = (fields: Fields, name: string): string | undefined =>
  fields.find(([known]) => known === name)?.[1];

test("the pod sees authority, path and fields; head, body and trailers come back", async () => {
  const { session, key } = await tunnelTo((stream, headers) => {
    stream.respond({ ":status": 203, "set-cookie": ["a=1", "b=2"], "x-pod": "1" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "42", "x-bin": "AAE=" }));
    stream.end(JSON.stringify({ ...headers, ":path": headers[":path"] }));
  });
  const head = openHead(key, {
    authority: "shop.example.com:8443",
    target: "/orders?x=1",
    fields: [
      ["x-one", "1"],
      ["x-one", "2"],
      ["cookie", "a=1"],
      ["cookie", "b=2"],
      ["connection", "x-hop"],
      ["x-hop", "1"],
      ["te", "trailers"],
    ],
  });
  const answer = await exchange(session, head);
  const seen = JSON.parse(await text(answer.body)) as Record<string, string>;
  expect(seen).toMatchObject({
    ":authority": "shop.example.com:8443",
    ":path": "/orders?x=1",
    ":scheme": "http",
    ":method": "GET",
    "x-one": "1, 2",
    cookie: "a=1; b=2",
    te: "trailers",
  });
  expect(seen["x-hop"]).toBeUndefined();
  expect(answer.head.status).toBe(203);
  expect(answer.head.fields.filter(([name]) => /^(x-|set-cookie|:)/.test(name))).toEqual([
    ["set-cookie", "a=1"],
    ["set-cookie", "b=2"],
    ["x-pod", "1"],
  ]);
  expect(answer.trailers).toEqual([
    ["x-sum", "42"],
    ["x-bin", "AAE="],
  ]);
});

test("trailers of the request arrive behind its body, or behind none", async () => {
  const { session, key } = await tunnelTo((stream, headers) => {
    let sent: unknown = {};
    stream.once("trailers", (fields: object) => (sent = { ...fields }));
    stream.resume().once("end", () => {
      stream.respond({ ":status": 200 });
      stream.end(JSON.stringify({ announced: headers["trailer"], sent }));
    });
  });
  for (const parts of [[], ["one", "two"]]) {
    const head = openHead(key, post([["trailer", "x-sum"]]));
    const answer = await exchange(session, head, pieces(...parts), [["x-sum", "42"]]);
    expect(JSON.parse(await text(answer.body))).toEqual({ announced: "x-sum", sent: { "x-sum": "42" } });
  }
});

test("both directions stream at once, and each piece at once", async () => {
  const { session, key } = await tunnelTo((stream) => {
    stream.respond({ ":status": 200 });
    stream.on("data", (chunk: Buffer) => stream.write(`echo ${chunk.toString()}`));
    stream.on("end", () => stream.end());
  });
  let next: (() => void) | undefined;
  async function* upload() {
    for (const word of ["one", "two", "three"]) {
      await new Promise<void>((resume) => (next = resume));
      yield Buffer.from(word);
    }
  }
  const answer = await exchange(session, openHead(key, post()), upload());
  for (const word of ["one", "two", "three"]) {
    next!();
    expect(String(((await once(answer.body, "data")) as [Buffer])[0])).toBe(`echo ${word}`);
  }
});

test("50 MB go through and come back unchanged", async () => {
  const { session, key } = await tunnelTo((stream) => {
    stream.respond({ ":status": 200 });
    stream.pipe(stream);
  });
  const chunk = randomBytes(256 * 1024);
  const sent = createHash("sha256");
  const received = createHash("sha256");
  async function* upload() {
    for (let count = 0; count < 200; count++) {
      sent.update(chunk);
      yield chunk;
    }
  }
  const answer = await exchange(session, openHead(key, post()), upload());
  for await (const part of answer.body as AsyncIterable<Buffer>) received.update(part);
  expect(received.digest("hex")).toBe(sent.digest("hex"));
});

test("a client that does not read holds the pod back, and no other stream of its connection", async () => {
  let writtenBytes = 0;
  const stalled = Promise.withResolvers<void>();
  const { session, key, pod } = await tunnelTo((stream, headers) => {
    stream.respond({ ":status": 200 });
    if (headers[":method"] === "HEAD") return void stream.end();
    const chunk = Buffer.alloc(64 * 1024);
    const write = (): void => {
      while (writtenBytes < 64 * 1024 * 1024) {
        writtenBytes += chunk.length;
        if (!stream.write(chunk)) {
          if (writtenBytes > 256 * 1024) stalled.resolve();
          return void stream.once("drain", write);
        }
      }
      stream.end();
    };
    write();
  });
  const slow = session.open(openHead(key), { onReset: () => undefined, onData: () => undefined }, true)!;
  await stalled.promise;
  expect((await exchange(session, openHead(key, { method: "HEAD" }))).head.status).toBe(200);
  expect(writtenBytes).toBeLessThan(4 * 1024 * 1024);
  expect(pod.sessions.size).toBe(1);
  slow.reset("cancelled");
});

test("an answer that is only a head ends with it; informational ones come before", async () => {
  const { session, key } = await tunnelTo((stream) => {
    stream.additionalHeaders({ ":status": 103, link: "</a.css>; rel=preload" });
    stream.respond({ ":status": 200, "grpc-status": "5", "grpc-message": "no" }, { endStream: true });
  });
  const answer = await exchange(session, openHead(key, post(grpcFields)), pieces("x"));
  expect(answer.informational).toEqual([{ status: 103, fields: [["link", "</a.css>; rel=preload"]] }]);
  expect(field(answer.head.fields, "grpc-status")).toBe("5");
  expect(await text(answer.body)).toBe("");
});

test("streams share a connection up to the pod's limit; then there is another one", async () => {
  const waiting: ServerHttp2Stream[] = [];
  const { session, key, pod } = await tunnelTo((stream) => void waiting.push(stream), {
    settings: { maxConcurrentStreams: 2 },
  });
  const first = exchange(session, openHead(key));
  await expect.poll(() => waiting.length).toBe(1);
  const others = [1, 2, 3].map(() => exchange(session, openHead(key)));
  await expect.poll(() => waiting.length).toBe(4);
  expect(pod.sessions.size).toBe(2);
  for (const stream of waiting) stream.respond({ ":status": 200 }, { endStream: true });
  for (const answer of await Promise.all([first, ...others])) expect(answer.head.status).toBe(200);
});

test("a connection that says goodbye finishes its streams, and the next one is new", async () => {
  const waiting: ServerHttp2Stream[] = [];
  const { session, key, pod } = await tunnelTo((stream) => void waiting.push(stream));
  const first = exchange(session, openHead(key));
  await expect.poll(() => waiting.length).toBe(1);
  const [old] = pod.sessions;
  old!.goaway(constants.NGHTTP2_NO_ERROR, 1);
  // The agent has seen it once its settings are acknowledged behind it.
  await new Promise<void>((done) => old!.settings({}, () => done()));
  const second = exchange(session, openHead(key));
  await expect.poll(() => waiting.length).toBe(2);
  expect(pod.sessions.size).toBe(2);
  for (const stream of waiting) stream.respond({ ":status": 200 }, { endStream: true });
  expect((await first).head.status).toBe(200);
  expect((await second).head.status).toBe(200);
});

test("a client that goes away resets the pod's stream", async () => {
  const code = Promise.withResolvers<number>();
  const { session, key } = await tunnelTo((stream) => {
    stream.respond({ ":status": 200 });
    stream.write("first");
    stream.once("close", () => code.resolve(stream.rstCode));
  });
  const answer = await exchange(session, openHead(key));
  answer.stream.reset("cancelled");
  expect(await code.promise).toBe(constants.NGHTTP2_CANCEL);
});

test.each([
  ["REFUSED_STREAM", constants.NGHTTP2_REFUSED_STREAM, "refused", true],
  ["INTERNAL_ERROR", constants.NGHTTP2_INTERNAL_ERROR, "endpoint_reset", false],
  ["PROTOCOL_ERROR", constants.NGHTTP2_PROTOCOL_ERROR, "endpoint_protocol_error", false],
])("a pod that resets with %s before it answers", async (_name, code, reset, safe) => {
  const { session, key } = await tunnelTo((stream) => stream.close(code));
  await expect(exchange(session, openHead(key, post()), pieces("x"))).rejects.toMatchObject({
    reset: { code: reset, safe },
  });
});

test("nobody listens: connect_failed; a pod that speaks HTTP/1.1: endpoint_protocol_error", async () => {
  const nobody = await tunnelToPort(await closedPort());
  await expect(exchange(nobody.session, openHead(nobody.key))).rejects.toMatchObject({
    reset: { code: "connect_failed", safe: true },
  });
  const { port } = await startPod((_request, response) => response.end());
  const old = await tunnelToPort(port);
  await expect(exchange(old.session, openHead(old.key))).rejects.toMatchObject({
    reset: { code: "endpoint_protocol_error", safe: false },
  });
});

test("a pod that dies under a request: endpoint_reset; the next request gets a new connection", async () => {
  let streams = 0;
  const { session, key } = await tunnelTo((stream) => {
    streams += 1;
    if (streams === 1) stream.session!.destroy();
    else stream.respond({ ":status": 200 }, { endStream: true });
  });
  await expect(exchange(session, openHead(key))).rejects.toMatchObject({ reset: { code: "endpoint_reset" } });
  expect((await exchange(session, openHead(key))).head.status).toBe(200);
});

test("an answer before the request's end is passed on, and the client need not go on", async () => {
  const { session, key } = await tunnelTo((stream) => {
    stream.respond({ ":status": 413 });
    stream.end("too large");
  });
  async function* endless() {
    for (;;) yield Buffer.alloc(16 * 1024);
  }
  const answer = await exchange(session, openHead(key, post()), endless());
  expect(answer.head.status).toBe(413);
  expect(await text(answer.body)).toBe("too large");
  await expect.poll(() => answer.stream.open).toBe(false);
});

test("gRPC: the deadline is kept, before and after the head", async () => {
  const cancelled: number[] = [];
  const { session, key } = await tunnelTo((stream, headers) => {
    stream.once("close", () => cancelled.push(stream.rstCode));
    if (headers[":path"] !== "/begun") return;
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    stream.write("message");
  });
  const fields: Fields = [...grpcFields, ["grpc-timeout", "50m"]];
  const silent = await exchange(session, openHead(key, post(fields)), pieces("x"));
  expect(silent.head.status).toBe(200);
  expect(field(silent.head.fields, "content-type")).toBe("application/grpc");
  expect(field(silent.head.fields, "grpc-status")).toBe("4");
  const begun = await exchange(session, openHead(key, { ...post(fields), target: "/begun" }), pieces("x"));
  expect(await text(begun.body)).toBe("message");
  expect(field(begun.trailers, "grpc-status")).toBe("4");
  await expect.poll(() => cancelled).toEqual([constants.NGHTTP2_CANCEL, constants.NGHTTP2_CANCEL]);
});

test.each([
  // Of all ways to end a stream, Node's `destroy` alone sends no END_STREAM before its reset.
  [
    "RST_STREAM with INTERNAL_ERROR",
    (stream: ServerHttp2Stream) => stream.destroy(new Error("broken")),
    "13",
  ],
  ["the end of its connection", (stream: ServerHttp2Stream) => stream.session!.destroy(), "14"],
])("gRPC: a stream that the pod breaks off by %s ends with a status", async (_what, breakOff, status) => {
  const { answer, ask } = await brokenOff("application/grpc", breakOff);
  const body = text(answer.body);
  ask();
  expect(await body).toMatch(/^(message)?$/);
  expect(field(answer.trailers, "grpc-status")).toBe(status);
});

test("a head that the tunnel does not take is the pod's fault, and the agent goes on", async () => {
  const { session, key } = await tunnelTo((stream, headers) => {
    const many = Object.fromEntries(
      Array.from({ length: 62 }, (_, index) => [`x-${index}`, "y".repeat(1_000)]),
    );
    stream.respond({ ":status": 200, ...(headers[":path"] === "/" && many) });
    stream.end("body");
  });
  await expect(exchange(session, openHead(key))).rejects.toMatchObject({
    reset: { code: "endpoint_protocol_error" },
  });
  expect(await text((await exchange(session, openHead(key, { target: "/small" }))).body)).toBe("body");
});

test("what is not gRPC and breaks off is reset", async () => {
  const { answer, ask } = await brokenOff("text/plain", (stream) => stream.destroy(new Error("broken")));
  answer.body.resume();
  const failed = once(answer.body, "error");
  ask();
  expect((await failed)[0]).toBeInstanceOf(ResetError);
});

/** A call of whose answer the head and a message are there; the rest breaks off once `ask` is called. */
async function brokenOff(type: string, breakOff: (stream: ServerHttp2Stream) => void) {
  const { session, key } = await tunnelTo((stream) => {
    stream.respond({ ":status": 200, "content-type": type });
    stream.write("message");
    stream.once("data", () => breakOff(stream));
  });
  const asked = Promise.withResolvers<void>();
  async function* upload() {
    await asked.promise;
    yield Buffer.from("break off");
    await new Promise(() => undefined);
  }
  const answer = await exchange(session, openHead(key, post([["content-type", type]])), upload());
  return { answer, ask: () => asked.resolve() };
}

const webMessage = Buffer.from([0, 0, 0, 0, 2, 1, 2]);

test.each([
  ["application/grpc-web+proto", (bytes: Buffer) => bytes, (body: Buffer) => body],
  [
    "application/grpc-web-text",
    (bytes: Buffer) => Buffer.from(bytes.toString("base64")),
    (body: Buffer) =>
      Buffer.concat((body.toString().match(/[^=]+=*/g) ?? []).map((part) => Buffer.from(part, "base64"))),
  ],
])("gRPC-Web as %s becomes gRPC, and its trailers the last frame", async (type, encode, decode) => {
  const { session, key } = await tunnelTo(
    (stream, headers) => {
      stream.respond({ ":status": 200, "content-type": headers["content-type"] }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", "x-te": headers.te }));
      stream.pipe(stream);
    },
    {},
    "GRPC",
  );
  const fields: Fields = [
    ["content-type", type],
    ["content-length", "99"],
  ];
  async function* upload() {
    yield encode(webMessage);
  }
  const answer = await exchange(session, openHead(key, post(fields)), upload());
  const chunks: Buffer[] = [];
  for await (const chunk of answer.body as AsyncIterable<Buffer>) chunks.push(chunk);
  const body = decode(Buffer.concat(chunks));
  expect(field(answer.head.fields, "content-type")).toBe(type);
  expect(body.subarray(0, webMessage.length)).toEqual(webMessage);
  const last = body.subarray(webMessage.length);
  expect(last[0]).toBe(0x80);
  expect(last.subarray(5).toString()).toBe("grpc-status: 0\r\nx-te: trailers\r\n");
  expect(answer.trailers).toEqual([]);
});

test("a WebSocket cannot open on an endpoint of HTTP/2", async () => {
  const port = await startRawPod(() => undefined);
  const { session, key } = await tunnelToPort(port);
  await expect(exchange(session, openHead(key, { kind: "websocket" }))).rejects.toMatchObject({
    reset: { code: "endpoint_protocol_error" },
  });
});
