import { expect, test } from "vitest";
import type { OpenHead } from "#contract/tunnel/head.ts";
import { agentSettings, hubSettings } from "#contract/tunnel/settings.ts";
import { TunnelSession } from "./session.ts";
import type { SessionClose, SessionHandlers } from "./session.ts";
import type { StreamHandlers, StreamReset, TunnelStream } from "./stream.ts";

const get: OpenHead = {
  kind: "http",
  endpoint: "web|10.0.0.1:80",
  method: "GET",
  scheme: "https",
  authority: "www.example.com",
  target: "/a?b=c",
  fields: [["accept", "*/*"]],
};

/** Two sessions joined by queues that `run` empties. */
function pair(agent: Partial<SessionHandlers>, settings: { maxStreams?: number } = {}) {
  const closes: (SessionClose & { side: string })[] = [];
  const queue: (() => void)[] = [];
  const flushes: (() => void)[] = [];
  const agentLocal = { ...agentSettings, ...settings };
  const make = (role: "edge" | "agent", handlers: Partial<SessionHandlers>, peer: () => TunnelSession) =>
    new TunnelSession(
      {
        role,
        local: role === "edge" ? hubSettings : agentLocal,
        remote: role === "edge" ? agentLocal : hubSettings,
        send: (message) => queue.push(() => peer().receive(message, 0)),
        schedule: (flush) => flushes.push(flush),
        handlers: {
          onStream: () => "refused",
          onControl: () => {},
          onClose: (close) => closes.push({ ...close, side: role }),
          ...handlers,
        },
      },
      0,
    );
  const sides: { edge: TunnelSession; agent: TunnelSession } = {
    edge: make("edge", {}, () => sides.agent),
    agent: make("agent", agent, () => sides.edge),
  };
  const run = () => {
    for (;;) {
      const next = flushes.shift() ?? queue.shift();
      if (!next) return;
      next();
    }
  };
  return { ...sides, run, closes, queue };
}

function collector(): StreamHandlers & { log: unknown[]; bytes: number; reset?: StreamReset } {
  const log: unknown[] = [];
  return {
    log,
    bytes: 0,
    onHead: (head) => log.push(head),
    onData(chunk) {
      this.bytes += chunk.length;
    },
    onEnd: (trailers) => log.push(["end", trailers]),
    onReset: (reset) => log.push(["reset", reset]),
  };
}

test("a request and its answer, with an informational head and trailers", () => {
  const { edge, run, closes } = pair({
    onStream(stream, head, ended) {
      expect(head).toEqual(get);
      expect(ended).toBe(true);
      stream.respond({ status: 103, fields: [] });
      stream.respond({
        status: 200,
        fields: [
          ["set-cookie", "a=1"],
          ["set-cookie", "b=2"],
        ],
      });
      expect(stream.write(new Uint8Array(100))).toBe(100);
      stream.end([["grpc-status", "0"]]);
      return { onReset: () => expect.unreachable() };
    },
  });
  const answer = collector();
  const stream = edge.open(get, answer, true)!;
  run();
  expect(answer.log).toEqual([
    { status: 103, fields: [] },
    {
      status: 200,
      fields: [
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
      ],
    },
    ["end", [["grpc-status", "0"]]],
  ]);
  expect(answer.bytes).toBe(100);
  expect(stream.open).toBe(true);
  stream.consumed(100);
  expect(stream.open).toBe(false);
  expect([edge.streams, edge.unconsumedBytes]).toEqual([0, 0]);
  expect(closes).toEqual([]);
});

test("a reader that takes nothing stops the writer at the window; consuming lets it go on", () => {
  let written = 0;
  const body = new Uint8Array(1_000_000);
  const { edge, run } = pair({
    onStream(stream) {
      const write = () => {
        written += stream.write(body.subarray(written));
        if (written === body.length) stream.end();
      };
      stream.respond({ status: 200, fields: [] });
      write();
      return { onWritable: write, onReset: () => expect.unreachable() };
    },
  });
  const answer = collector();
  const stream = edge.open(get, answer, true)!;
  run();
  expect(answer.bytes).toBe(16 * 1024);
  expect(edge.unconsumedBytes).toBe(16 * 1024);
  while (stream.unconsumedBytes > 0) {
    stream.consumed(stream.unconsumedBytes);
    run();
  }
  expect(answer.bytes).toBe(body.length);
  expect(edge.streams).toBe(0);
});

test("a stream beyond the limit is not opened, and a reset carries its code and whether a retry is safe", () => {
  const { edge, run } = pair({ onStream: () => "endpoint_not_allowed" }, { maxStreams: 1 });
  const answer = collector();
  expect(edge.open(get, answer, true)).toBeDefined();
  expect(edge.open(get, collector(), true)).toBeUndefined();
  run();
  expect(answer.log).toEqual([["reset", { code: "endpoint_not_allowed", detail: "", safe: true }]]);
  expect(edge.open(get, collector(), true)).toBeDefined();
});

test("draining: open streams finish, new ones are not opened, then the drained side hears of it", () => {
  let served: TunnelStream | undefined;
  let drained = false;
  const { edge, agent, run } = pair({
    onStream(stream) {
      served = stream;
      return { onReset: () => expect.unreachable() };
    },
    onDrained: () => {
      drained = true;
    },
  });
  const answer = collector();
  edge.open(get, answer, true);
  run();
  agent.drain("SIGTERM");
  // On its way while the go-away was: still served.
  const late = collector();
  edge.open(get, late, true);
  const first = served!;
  run();
  expect(edge.open(get, collector(), true)).toBeUndefined();
  for (const stream of [first, served!]) stream.respond({ status: 204, fields: [] }, { end: true });
  expect(drained).toBe(true);
  run();
  expect(late.log).toEqual([{ status: 204, fields: [] }, ["end", []]]);
});

test("leaving: the other side is asked to go elsewhere and served until it drains; only then no stream is opened", () => {
  const asked: string[] = [];
  let drained = false;
  const { edge, agent, run, closes } = pair({
    onStream: (stream) => {
      stream.respond({ status: 204, fields: [] }, { end: true });
      return { onReset: () => expect.unreachable() };
    },
    onDraining: (reason) => asked.push(reason),
    onDrained: () => {
      drained = true;
    },
  });
  edge.leave("replaced");
  edge.leave("replaced");
  run();
  expect(asked).toEqual(["replaced"]);
  const meanwhile = collector();
  expect(edge.open(get, meanwhile, true)).toBeDefined();
  run();
  expect(meanwhile.log).toEqual([{ status: 204, fields: [] }, ["end", []]]);
  expect(drained).toBe(false);
  agent.drain("connected elsewhere");
  run();
  expect(edge.open(get, collector(), true)).toBeUndefined();
  expect([drained, closes]).toEqual([true, []]);
});

test("a side that leaves may drain afterwards: each go-away has its own acknowledgement", () => {
  let drained = false;
  const { edge, agent, run } = pair({});
  agent.leave("soon");
  agent.drain("now");
  run();
  expect(edge.open(get, collector(), true)).toBeUndefined();
  const other = pair({ onDrained: () => (drained = true) });
  other.agent.leave("soon");
  other.run();
  expect(drained).toBe(false);
  other.agent.drain("now");
  other.run();
  expect(drained).toBe(true);
});

test("a lost connection resets every stream, and only those the other side never looked at are safe to retry", () => {
  const { edge, agent, run, queue } = pair({ onStream: () => ({ onReset: () => {} }) });
  const first = collector();
  edge.open(get, first, true);
  run();
  agent.close("internal", "gave up");
  const second = collector();
  edge.open(get, second, true);
  queue.shift()!();
  expect(first.log).toEqual([["reset", { code: "connection_lost", detail: "gave up", safe: false }]]);
  expect(second.log).toEqual([["reset", { code: "connection_lost", detail: "gave up", safe: true }]]);
  expect(edge.closed).toBe(true);
});

test("control messages of many frames arrive whole; one that is too long is refused before it is sent", () => {
  const seen: string[] = [];
  const { edge, agent, run } = pair({ onControl: (text) => seen.push(text) });
  const text = JSON.stringify({ type: "config", padding: "ü".repeat(200_000) });
  edge.sendControl(text);
  run();
  expect(seen).toEqual([text]);
  expect(() => agent.sendControl("x".repeat(hubSettings.maxControlBytes + 1))).toThrow(RangeError);
});

test("WebSocket messages keep their kind and boundaries, close ends each direction", () => {
  const log: unknown[] = [];
  const { edge, run } = pair({
    onStream(stream) {
      stream.respond({ status: 101, fields: [] });
      return {
        onMessage(chunk, kind) {
          log.push([chunk.length, kind]);
          stream.consumed(chunk.length);
        },
        onPing: (payload) => stream.pong(payload),
        onClose(code, reason) {
          log.push([code, reason]);
          stream.close(code, reason);
        },
        onReset: () => expect.unreachable(),
      };
    },
  });
  const answer: StreamHandlers = {
    onPong: (payload) => log.push(["pong", payload.length]),
    onClose: (code, reason) => log.push(["closed", code, reason]),
    onReset: () => expect.unreachable(),
  };
  const stream = edge.open({ ...get, kind: "websocket" }, answer, false)!;
  run();
  stream.writeMessage(new Uint8Array(0), { text: true, last: true });
  stream.writeMessage(new Uint8Array(10), { text: false, last: false });
  stream.writeMessage(new Uint8Array(5), { text: false, last: true });
  stream.ping(new Uint8Array(3));
  stream.close(4000, "bye");
  run();
  expect(log).toEqual([
    [0, { text: true, last: true }],
    [10, { text: false, last: false }],
    [5, { text: false, last: true }],
    [4000, "bye"],
    ["pong", 3],
    ["closed", 4000, "bye"],
  ]);
  expect(edge.streams).toBe(0);
});

test("a silent connection is closed, a suspended clock alone closes none", () => {
  const { edge, closes } = pair({});
  edge.tick(3_600_000);
  expect(closes).toEqual([]);
  edge.tick(3_606_000);
  edge.tick(3_612_000);
  expect(closes).toMatchObject([{ code: "timeout", local: true }]);
});
