import { beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { FixtureCertificate } from "#contract/identity/identity-fixture.ts";
import type { TunnelConfig } from "#contract/sync.ts";
import type { ResetCode } from "#contract/tunnel/code.ts";
import type { OpenHead } from "#contract/tunnel/head.ts";
import type { SessionHandlers } from "#traffic/tunnel/session.ts";
import type { StreamHandlers, StreamReset, TunnelStream } from "#traffic/tunnel/stream.ts";
import { ask, issueAgent, issueRoot, push, startAgent, trustOf } from "./testing/simulated-agent.ts";
import type { SimulatedAgent } from "./testing/simulated-agent.ts";

type Pod = (stream: TunnelStream, head: OpenHead, ended: boolean) => StreamHandlers | ResetCode;

const encoder = new TextEncoder();
const quiet: StreamHandlers = { onReset: () => {} };
let root: FixtureCertificate;
let count = 0;

beforeAll(async () => {
  root = await issueRoot();
});

beforeEach(() => {
  for (const method of ["warn", "info"] as const) vi.spyOn(console, method).mockImplementation(() => {});
});

/** A tunnel of its own with one agent in front of `pod`. */
async function serve(pod: Pod, handlers: Partial<SessionHandlers> = {}) {
  const tunnel = `tunnel-${count++}`;
  await push(tunnel, { trust: trustOf(root) });
  return { tunnel, agent: await connect(tunnel, pod, handlers) };
}

async function connect(
  tunnel: string,
  pod: Pod,
  handlers: Partial<SessionHandlers> = {},
): Promise<SimulatedAgent> {
  const leaf = await issueAgent(root, tunnel);
  return startAgent({ tunnel, leaf, handlers: { onStream: pod, ...handlers } });
}

const answer =
  (status: number, body = "", fields: OpenHead["fields"] = []): Pod =>
  (stream) => {
    stream.respond({ status, fields }, { end: body === "" });
    if (body) stream.write(encoder.encode(body));
    stream.end();
    return quiet;
  };

const failure = (response: Response) => [
  response.status,
  response.headers.get("isthmus-tunnel-error"),
  response.headers.get("isthmus-tunnel-error-safe"),
];

/** Sends `bytes` at the pace of the window, then ends. */
function sendAll(stream: TunnelStream, bytes: number): StreamHandlers {
  const chunk = new Uint8Array(64 * 1024);
  let left = bytes;
  const onWritable = (): void => {
    while (left > 0) {
      const sent = stream.write(chunk.subarray(0, Math.min(left, chunk.length)));
      left -= sent;
      if (sent === 0 || left === 0) break;
    }
    if (left === 0) stream.end();
  };
  onWritable();
  return { onWritable, onReset: () => {} };
}

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
  await vi.waitFor(() => expect(stream!.open).toBe(false));
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

test("without an agent the failure says that nothing was sent", async () => {
  expect(failure(await ask("nobody", "/"))).toEqual([599, "tunnel_unavailable", "1"]);
});

test("an agent that vanishes before it answers: the failure says that the request may have been seen", async () => {
  let streams = 0;
  const { tunnel, agent } = await serve(() => {
    streams++;
    return quiet;
  });
  const response = ask(tunnel, "/");
  await vi.waitFor(() => expect(streams).toBe(1));
  agent.socket.close(1011, "crash");
  expect(failure(await response)).toEqual([599, "tunnel_reset", null]);
});

test("a request that an agent did not take up goes to another one; one with a body is not sent twice", async () => {
  const { tunnel } = await serve(() => "refused");
  let served = 0;
  await connect(tunnel, (stream, head, ended) => {
    served++;
    return answer(200, "second")(stream, head, ended);
  });
  for (let turn = 0; turn < 4; turn++) expect(await (await ask(tunnel, "/")).text()).toBe("second");
  expect(served).toBe(4);
  const posts = await Promise.all([0, 1].map(() => ask(tunnel, "/", { method: "POST", body: "x" })));
  expect(posts.map((response) => response.status).sort()).toEqual([200, 599]);
});

test("an agent that drains finishes what it has and gets nothing new", async () => {
  let waiting: TunnelStream | undefined;
  const drained = Promise.withResolvers<void>();
  const { tunnel, agent } = await serve(
    (stream) => {
      waiting = stream;
      return quiet;
    },
    { onDrained: () => drained.resolve() },
  );
  const slow = ask(tunnel, "/slow");
  await vi.waitFor(() => expect(waiting).toBeDefined());
  agent.session!.drain("rolling update");
  await vi.waitFor(async () => expect((await push(tunnel, {})).agents).toMatchObject([{ draining: true }]));
  expect(failure(await ask(tunnel, "/"))).toEqual([599, "tunnel_unavailable", "1"]);
  await connect(tunnel, answer(200, "new"));
  expect(await (await ask(tunnel, "/")).text()).toBe("new");
  answer(200, "old")(waiting!, waiting!.head, true);
  expect(await (await slow).text()).toBe("old");
  await drained.promise;
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
  await vi.waitFor(() => expect(resets).toMatchObject([{ code: "cancelled" }]));
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
  await vi.waitFor(() => expect(received.length).toBe(4));
  expect(received[0]).toBe("hello");
  expect(received[1]).toBe("");
  expect(new Uint8Array(received[2] as ArrayBuffer)).toEqual(new Uint8Array([1, 2, 3]));
  expect(received[3] === large).toBe(true);
  socket.close(4000, "bye");
  expect((await closed.promise)[0]).toBeGreaterThanOrEqual(4000);
});

test("an agent gets trust and configuration, and what it reports reaches the region", async () => {
  const seen: string[] = [];
  const { tunnel, agent } = await serve(answer(200), {
    onControl: (text) => seen.push((JSON.parse(text) as { type: string }).type),
  });
  const endpoint = { id: "10.0.0.1:80", address: "10.0.0.1", port: 80, weight: 1 };
  const config: TunnelConfig = {
    tunnel,
    version: 7,
    hash: "sha256:0",
    backends: [{ name: "web", protocol: "HTTP", endpoints: [endpoint] }],
  };
  await push(tunnel, { config });
  await push(tunnel, { config: { ...config, version: 6 } });
  await vi.waitFor(() => expect(seen).toEqual(["trust", "config"]));
  const endpoints = {
    "web|10.0.0.1:80": { healthy: false, reason: "connection refused" },
    "web|10.9.9.9:80": { healthy: true, reason: "" },
  };
  agent.session!.sendControl(JSON.stringify({ type: "report", configVersion: 7, full: true, endpoints }));
  await vi.waitFor(async () =>
    expect(await push(tunnel, {})).toMatchObject({ configVersion: 7, agents: [{ configVersion: 7 }] }),
  );
  // Endpoints that the configuration does not name are not kept.
  const bad = { healthy: false, reason: "connection refused" };
  expect((await push(tunnel, {})).endpoints).toEqual({ "web|10.0.0.1:80": bad });
  // Healthy as soon as one agent reaches it.
  const second = await connect(tunnel, answer(200));
  const good = { "web|10.0.0.1:80": { healthy: true, reason: "" } };
  second.session!.sendControl(
    JSON.stringify({ type: "report", configVersion: 7, full: true, endpoints: good }),
  );
  await vi.waitFor(async () => expect((await push(tunnel, {})).endpoints).toEqual(good));
});

test("a renewal while the control is down is refused with the reason", async () => {
  const seen: unknown[] = [];
  const { agent } = await serve(answer(200), { onControl: (text) => seen.push(JSON.parse(text)) });
  agent.session!.sendControl(JSON.stringify({ type: "renew", id: 5, csrPem: "x" }));
  await vi.waitFor(() =>
    expect(seen).toContainEqual({
      type: "renew-refused",
      id: 5,
      error: { code: "control_unavailable", message: "the control answered 503" },
    }),
  );
});

test("an agent that breaks the protocol loses its connection, and only it", async () => {
  const { tunnel, agent } = await serve(() => "refused");
  const other = await connect(tunnel, answer(200, "fine"));
  agent.socket.send(new Uint8Array([0x22, 0, 0, 0, 0, 9, 0xff, 0xff, 0xff]));
  expect((await agent.closed).code).toBe(4413);
  expect(await (await ask(tunnel, "/")).text()).toBe("fine");
  expect(other.session!.closed).toBe(false);
});
