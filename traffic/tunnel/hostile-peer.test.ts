import * as fc from "fast-check";
import { expect, test } from "vitest";
import { limits } from "#contract/limits.ts";
import { encodeFrame } from "#contract/tunnel/frame.ts";
import type { Frame } from "#contract/tunnel/frame.ts";
import { FrameWriter } from "#contract/tunnel/frame-writer.ts";
import type { OpenHead } from "#contract/tunnel/head.ts";
import { agentSettings, hubSettings } from "#contract/tunnel/settings.ts";
import { arbitraryFrame } from "../../contract/tunnel/testing/arbitrary-frame.ts";
import { TunnelSession } from "./session.ts";
import type { SessionClose } from "./session.ts";
import type { StreamReset } from "./stream.ts";

const head: OpenHead = {
  kind: "http",
  endpoint: "web|10.0.0.1:80",
  method: "GET",
  scheme: "http",
  authority: "a",
  target: "/",
  fields: [],
};

/** A session whose other side is the test. */
function attacked(role: "edge" | "agent", maxStreams = 8) {
  const closes: SessionClose[] = [];
  const resets: StreamReset[] = [];
  let sentBytes = 0;
  const local = { ...(role === "edge" ? hubSettings : agentSettings), maxStreams };
  const handlers = { onReset: (reset: StreamReset) => void resets.push(reset) };
  const session = new TunnelSession(
    {
      role,
      local,
      remote: { ...agentSettings, maxStreams },
      send: (message) => {
        sentBytes += message.length;
      },
      schedule: (flush) => flush(),
      handlers: { onStream: () => handlers, onControl: () => {}, onClose: (close) => closes.push(close) },
    },
    0,
  );
  const receive = (...frames: Frame[]): void => {
    const writer = new FrameWriter();
    for (const frame of frames) encodeFrame(writer, frame);
    session.receive(writer.take(), 0);
  };
  const open = (kind: OpenHead["kind"] = "http") => session.open({ ...head, kind }, handlers, false)!;
  return { session, closes, resets, receive, open, sent: () => sentBytes };
}

/** Streams few and small, so that frames meet. */
const meeting = arbitraryFrame.chain((frame) =>
  "stream" in frame
    ? fc.integer({ min: 1, max: 9 }).map((stream) => ({ ...frame, stream }) as Frame)
    : fc.constant(frame),
);

test.each(["edge", "agent"] as const)(
  "any sequence of frames at the %s: bounded, never thrown, closed at most once",
  (role) => {
    fc.assert(
      fc.property(fc.array(meeting, { maxLength: 60 }), (frames) => {
        const { session, closes, receive, open } = attacked(role);
        if (role === "edge") for (const kind of ["http", "websocket", "http"] as const) open(kind);
        for (const frame of frames) {
          receive(frame);
          expect(session.streams).toBeLessThanOrEqual(8);
          expect(session.unconsumedBytes).toBeLessThanOrEqual(8 * limits.initialWindowBytes);
        }
        expect(closes.length).toBe(session.closed ? 1 : 0);
        if (session.closed) expect(session.streams).toBe(0);
      }),
      { numRuns: 2_000 },
    );
  },
);

const data = (stream: number, bytes: number): Frame => ({
  type: "data",
  stream,
  end: false,
  bytes: new Uint8Array(bytes),
});
const respond = (stream: number, status = 200): Frame => ({
  type: "head",
  stream,
  end: false,
  status,
  fields: [],
});

test("more data than the window: that stream is reset, the connection stays", () => {
  const { session, resets, receive, open } = attacked("edge");
  const [first, second] = [open(), open()];
  receive(respond(first.id), data(first.id, limits.initialWindowBytes), data(first.id, 1));
  expect(resets).toMatchObject([{ code: "flow_control", safe: false }]);
  expect([session.closed, second.open, session.unconsumedBytes]).toEqual([false, true, 0]);
  // What was on its way when the reset left is not an error.
  receive(data(first.id, 1), { type: "reset", stream: first.id, code: 1, detail: "" });
  expect(session.closed).toBe(false);
});

test.each<[string, Frame[]]>([
  ["data before the head", [data(1, 1)]],
  ["two heads", [respond(1), respond(1)]],
  ["status 101 for a stream that is no WebSocket", [respond(1, 101)]],
  [
    "a message on a stream that is no WebSocket",
    [respond(1), { type: "message", stream: 1, text: true, last: true, bytes: new Uint8Array(1) }],
  ],
  ["data after the end", [respond(1), { ...data(1, 1), end: true } as Frame, data(1, 1)]],
  ["informational heads without end", Array.from({ length: 17 }, () => respond(1, 103))],
  ["credit beyond 2^31-1", [{ type: "credit", stream: 1, bytes: 0x7fff_ffff }]],
])("%s: that stream is reset", (_name, frames) => {
  const { session, resets, receive, open } = attacked("edge");
  open();
  receive(...frames);
  expect(resets).toHaveLength(1);
  expect(["stream_state", "flow_control"]).toContain(resets[0]!.code);
  expect(session.closed).toBe(false);
});

test.each<[string, Frame[], string]>([
  ["a frame for a stream that never was", [data(5, 1)], "protocol_error"],
  ["a stream with an id of ours", [{ type: "open", stream: 1, end: true, head }], "protocol_error"],
  [
    "an id that was used",
    [2, 2].map((stream) => ({ type: "open", stream, end: true, head }) as Frame),
    "protocol_error",
  ],
  ["a handshake frame", [{ type: "proof", json: "{}" }], "protocol_error"],
  [
    "an acknowledgement of nothing",
    [{ type: "goAway", ack: true, lastStream: 0, code: 4410, reason: "" }],
    "protocol_error",
  ],
  ["credit for the connection that was not used", [{ type: "credit", stream: 0, bytes: 1 }], "flow_control"],
  [
    "a control message without end",
    Array.from(
      { length: 5 },
      () => ({ type: "control", last: false, bytes: new Uint8Array(60_000) }) as Frame,
    ),
    "too_large",
  ],
  [
    "a flood of pings",
    Array.from({ length: 20_000 }, () => ({ type: "ping", ack: false, token: 1 }) as Frame),
    "flood",
  ],
  [
    "a flood of frames to skip",
    Array.from({ length: 20_000 }, () => ({ type: "ignored", number: 0x90 }) as Frame),
    "flood",
  ],
])("%s: the connection is closed", (_name, frames, code) => {
  const { session, closes, receive } = attacked("edge");
  for (const frame of frames) receive(frame);
  expect(closes).toMatchObject([{ code, local: true }]);
  expect(session.closed).toBe(true);
});

test("a flood of opens and resets (rapid reset) is cut off, and never more streams live than allowed", () => {
  const { session, closes, receive } = attacked("agent");
  let opened = 0;
  for (let id = 1; !session.closed && id < 200_000; id += 2, opened++) {
    receive(
      { type: "open", stream: id, end: false, head },
      { type: "reset", stream: id, code: 1, detail: "" },
    );
    expect(session.streams).toBeLessThanOrEqual(8);
  }
  expect(closes).toMatchObject([{ code: "flood" }]);
  expect(opened).toBeLessThan(20_000);
});

test("a sender is not made to send tiny frames by tiny credit", () => {
  const { receive, open, sent } = attacked("edge");
  const stream = open();
  const took = stream.write(new Uint8Array(100_000));
  expect(took).toBe(agentSettings.initialWindowBytes);
  const before = sent();
  for (let count = 0; count < 1_000; count++) receive({ type: "credit", stream: stream.id, bytes: 1 });
  expect(stream.write(new Uint8Array(100_000))).toBe(0);
  expect(sent()).toBe(before);
});
