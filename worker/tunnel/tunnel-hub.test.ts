import { beforeEach, expect, test, vi } from "vitest";
import { BodyFrameReader } from "#contract/body-frames.ts";
import type { OpenHead } from "#contract/tunnel/head.ts";
import type { StreamReset, TunnelStream } from "#traffic/tunnel/stream.ts";
import { eventually } from "../eventually.fixture.ts";
import { ask } from "./testing/simulated-agent.ts";
import { answer, encoder, failure, type Pod, quiet, sendAll, serve } from "./testing/simulated-pod.ts";

beforeEach(() => {
  for (const method of ["warn", "info"] as const) vi.spyOn(console, method).mockImplementation(() => {});
});

test("a request reaches the pod as the gateway sent it, and the pod's answer comes back as it was", async () => {
  let seen: OpenHead | undefined;
  const { tunnel } = await serve((stream, head, ended) => {
    seen = head;
    expect(ended).toBe(true);
    return answer(201, "hello", [
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
      ["x-name", "caf\u00c3\u00a9"],
      ["isthmus-tunnel-error", "internal"],
    ])(stream, head, ended);
  });
  const response = await ask(tunnel, "/a%20b//c?d=e&f", { headers: { accept: "*/*", "x-name": "café" } });
  expect(response.status).toBe(201);
  expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  expect(response.headers.get("x-name")).toBe("café");
  expect(response.headers.get("isthmus-tunnel-error")).toBeNull();
  expect(await response.text()).toBe("hello");
  expect(seen).toMatchObject({
    kind: "http",
    method: "GET",
    scheme: "https",
    authority: "www.example.com",
    target: "/a%20b//c?d=e&f",
    endpoint: "web|10.0.0.1:80",
  });
  expect(seen!.fields).toContainEqual(["accept", "*/*"]);
  // One character per octet: é is C3 A9.
  expect(seen!.fields).toContainEqual(["x-name", "caf\u00c3\u00a9"]);
  expect(seen!.fields.filter(([name]) => name.startsWith("isthmus-"))).toEqual([]);
});

test("bodies pass in both directions, larger than any window", async () => {
  const { tunnel, agent } = await serve((stream) => {
    let most = 0;
    const waiting: Uint8Array[] = [];
    let ended = false;
    stream.respond({ status: 200, fields: [] });
    const forward = (): void => {
      for (;;) {
        const chunk = waiting[0];
        if (!chunk) break;
        const sent = stream.write(chunk);
        stream.consumed(sent);
        if (sent < chunk.length) {
          waiting[0] = chunk.subarray(sent);
          return;
        }
        waiting.shift();
      }
      if (ended) stream.end();
    };
    return {
      onData(chunk) {
        waiting.push(chunk);
        most = Math.max(most, stream.unconsumedBytes);
        expect(most).toBeLessThanOrEqual(256 * 1024);
        forward();
      },
      onEnd() {
        ended = true;
        forward();
      },
      onWritable: forward,
      onReset: () => {},
    };
  });
  const body = crypto.getRandomValues(new Uint8Array(65_536));
  const whole = new Uint8Array(48 * body.length);
  for (let at = 0; at < whole.length; at += body.length) whole.set(body, at);
  const response = await ask(tunnel, "/echo", { method: "POST", body: whole });
  const echoed = new Uint8Array(await response.arrayBuffer());
  expect(echoed.length).toBe(whole.length);
  expect(await crypto.subtle.digest("SHA-256", echoed)).toEqual(await crypto.subtle.digest("SHA-256", whole));
  expect(agent.session!.streams).toBe(0);
});

test("a client that does not read stops the pod, and the hub holds no more than the window", async () => {
  let stream: TunnelStream | undefined;
  let sent = 0;
  const { tunnel } = await serve((opened) => {
    stream = opened;
    opened.respond({ status: 200, fields: [] });
    const chunk = new Uint8Array(16_384);
    const onWritable = (): void => {
      for (let took = chunk.length; took === chunk.length && sent < 50_000_000; sent += took) {
        took = opened.write(chunk);
      }
    };
    onWritable();
    return { onWritable, onReset: () => {} };
  });
  const response = await ask(tunnel, "/");
  const reader = response.body!.getReader();
  await reader.read();
  // Until the pod is stopped: nothing moves any more.
  let before = -1;
  while (before !== sent) {
    before = sent;
    await scheduler.wait(20);
  }
  expect(sent).toBeLessThan(1_500_000);
  expect(stream!.open).toBe(true);
  await reader.cancel();
  await eventually(() => expect(stream!.open).toBe(false));
});

test("Content-Length survives for a body that streams, and for HEAD", async () => {
  const total = 1_000_000;
  const { tunnel } = await serve((stream, head) => {
    const fields = [["content-length", String(total)]] as const;
    stream.respond({ status: 200, fields }, { end: head.method === "HEAD" });
    return head.method === "HEAD" ? quiet : sendAll(stream, total);
  });
  const response = await ask(tunnel, "/");
  expect(response.headers.get("content-length")).toBe(String(total));
  expect((await response.arrayBuffer()).byteLength).toBe(total);
  const head = await ask(tunnel, "/", { method: "HEAD" });
  expect([head.headers.get("content-length"), await head.text()]).toEqual([String(total), ""]);
});

test.each([204, 304])("status %d has no body", async (status) => {
  const { tunnel } = await serve(answer(status, "", [["etag", '"a"']]));
  const response = await ask(tunnel, "/");
  expect([response.status, response.body, response.headers.get("etag")]).toEqual([status, null, '"a"']);
});

test("events arrive one by one, long before the stream ends", async () => {
  let next: (() => void) | undefined;
  const { tunnel } = await serve((stream) => {
    stream.respond({ status: 200, fields: [["content-type", "text/event-stream"]] });
    let number = 0;
    next = () => stream.write(encoder.encode(`data: ${++number}\n\n`));
    next();
    return quiet;
  });
  const response = await ask(tunnel, "/events");
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader.read()).value).toBe("data: 1\n\n");
  next!();
  expect((await reader.read()).value).toBe("data: 2\n\n");
  await reader.cancel();
});

test("informational heads pass by, trailers do no harm", async () => {
  const { tunnel } = await serve((stream) => {
    stream.respond({ status: 103, fields: [["link", "</a.css>"]] });
    stream.respond({ status: 200, fields: [] });
    stream.write(encoder.encode("ok"));
    stream.end([["grpc-status", "0"]]);
    return quiet;
  });
  expect(await (await ask(tunnel, "/")).text()).toBe("ok");
});

test.each([
  ["connect_failed", "endpoint_connect_failed", "1"],
  ["certificate_mismatch", "endpoint_certificate_mismatch", "1"],
  ["certificate_untrusted", "endpoint_certificate_untrusted", "1"],
  ["certificate_expired", "endpoint_certificate_expired", "1"],
  ["tls_failed", "endpoint_tls_failed", "1"],
  ["endpoint_not_allowed", "tunnel_refused", "1"],
  ["refused", "tunnel_unavailable", "1"],
  ["endpoint_reset", "endpoint_reset", null],
  ["endpoint_protocol_error", "endpoint_protocol_error", null],
  ["timeout", "backend_request_timeout", null],
  ["internal", "tunnel_reset", null],
] as const)("reset with %s becomes %s", async (reset, code, safe) => {
  const { tunnel } = await serve(() => reset);
  expect(failure(await ask(tunnel, "/"))).toEqual([599, code, safe]);
});

test("a client that gives up resets the stream at the agent", async () => {
  const resets: StreamReset[] = [];
  let streams = 0;
  const { tunnel } = await serve((stream) => {
    streams++;
    stream.respond({ status: 200, fields: [] });
    stream.write(encoder.encode("first"));
    return { onReset: (reset) => resets.push(reset) };
  });
  const response = await ask(tunnel, "/");
  const reader = response.body!.getReader();
  await reader.read();
  await reader.cancel();
  await eventually(() => expect(resets).toMatchObject([{ code: "cancelled" }]));
  expect(streams).toBe(1);
});

test("a WebSocket passes text, binary, large messages and close codes", async () => {
  const { tunnel } = await serve((stream, head) => {
    expect(head.kind).toBe("websocket");
    stream.respond({ status: 101, fields: [["sec-websocket-protocol", "chat"]] });
    const waiting: [Uint8Array, { text: boolean; last: boolean }][] = [];
    const forward = (): void => {
      for (let next = waiting[0]; next; next = waiting[0]) {
        const sent = stream.writeMessage(next[0], next[1]);
        stream.consumed(sent);
        if (sent < next[0].length) {
          waiting[0] = [next[0].subarray(sent), next[1]];
          return;
        }
        waiting.shift();
      }
    };
    return {
      onMessage(chunk, kind) {
        waiting.push([chunk, kind]);
        if (waiting.length === 1) forward();
      },
      onWritable: forward,
      onClose: (code, reason) => stream.close(code + 1, `${reason}!`),
      onReset: () => {},
    };
  });
  const response = await ask(tunnel, "/ws", { headers: { upgrade: "websocket" } });
  expect([response.status, response.headers.get("sec-websocket-protocol")]).toEqual([101, "chat"]);
  const socket = response.webSocket!;
  socket.binaryType = "arraybuffer";
  const received: (string | ArrayBuffer)[] = [];
  const closed = Promise.withResolvers<[number, string]>();
  socket.addEventListener("message", ({ data }) => void received.push(data as string | ArrayBuffer));
  socket.addEventListener("close", ({ code, reason }) => closed.resolve([code, reason]));
  socket.accept();
  const large = "ü".repeat(500_000);
  socket.send("hello");
  socket.send("");
  socket.send(new Uint8Array([1, 2, 3]));
  socket.send(large);
  await eventually(() => expect(received.length).toBe(4));
  expect(received[0]).toBe("hello");
  expect(received[1]).toBe("");
  expect(new Uint8Array(received[2] as ArrayBuffer)).toEqual(new Uint8Array([1, 2, 3]));
  expect(received[3] === large).toBe(true);
  socket.close(4000, "bye");
  expect((await closed.promise)[0]).toBeGreaterThanOrEqual(4000);
});

const trailing: Pod = (stream) => {
  stream.respond({ status: 200, fields: [["content-type", "application/grpc"]] });
  stream.write(encoder.encode("body"));
  stream.end([["grpc-status", "0"]]);
  return quiet;
};

test("trailers come in the body to a front door that asks, by its token, and to nobody else", async () => {
  const { tunnel } = await serve(trailing);
  const plain = await ask(tunnel, "/");
  expect(await plain.text()).toBe("body");
  expect(plain.headers.get("isthmus-trailers")).toBeNull();
  const framed = await ask(tunnel, "/", { headers: { "isthmus-trailers": "token" } });
  expect(framed.headers.get("isthmus-trailers")).toBe("token");
  const reader = new BodyFrameReader();
  const [data] = reader.read(new Uint8Array(await framed.arrayBuffer()));
  expect(new TextDecoder().decode(data)).toBe("body");
  expect(reader.trailers).toEqual([["grpc-status", "0"]]);
});

test("the endpoint hears that trailers are welcome, where they are", async () => {
  const seen: (string | undefined)[] = [];
  const { tunnel } = await serve((stream, head, ended) => {
    seen.push(head.fields.find(([name]) => name === "te")?.[1]);
    return answer(204)(stream, head, ended);
  });
  await ask(tunnel, "/");
  await ask(tunnel, "/", { headers: { "isthmus-trailers": "token" } });
  expect(seen).toEqual([undefined, "trailers"]);
});

test("an endpoint cannot have its body taken for frames, and one with a length has none", async () => {
  const { tunnel } = await serve((stream) => {
    stream.respond({
      status: 200,
      fields: [
        ["isthmus-trailers", "token"],
        ["content-length", "4"],
      ],
    });
    stream.write(encoder.encode("body"));
    stream.end([["x-late", "1"]]);
    return quiet;
  });
  const response = await ask(tunnel, "/", { headers: { "isthmus-trailers": "token" } });
  expect(response.headers.get("isthmus-trailers")).toBeNull();
  expect(response.headers.get("content-length")).toBe("4");
  expect(await response.text()).toBe("body");
});

test("a call of gRPC whose tunnel breaks ends with a status", async () => {
  const { tunnel, agent } = await serve((stream) => {
    stream.respond({ status: 200, fields: [["content-type", "application/grpc"]] });
    stream.write(encoder.encode("message"));
    return quiet;
  });
  const headers = { "isthmus-trailers": "token", "content-type": "application/grpc" };
  const response = await ask(tunnel, "/", { method: "POST", headers });
  agent.socket.close(1000, "gone");
  const reader = new BodyFrameReader();
  reader.read(new Uint8Array(await response.arrayBuffer()));
  expect(reader.trailers).toContainEqual(["grpc-status", "14"]);
});
