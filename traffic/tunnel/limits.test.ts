// "Limits" in section 8 of docs/protocol.md, row by row, at either end: what a sender does at each limit, and what a receiver does with
// a peer that goes beyond it.
import { expect, test } from "vitest";
import { limits } from "#contract/limits.ts";
import { encodeFrame, type Frame, frameHeaderBytes } from "#contract/tunnel/frame.ts";
import { FrameWriter } from "#contract/tunnel/frame-writer.ts";
import type { OpenHead } from "#contract/tunnel/head.ts";
import { agentSettings, hubSettings, type TunnelSettings } from "#contract/tunnel/settings.ts";
import { type SessionClose, TunnelSession } from "./session.ts";
import type { StreamReset } from "./stream.ts";
import { someHead as head } from "./testing/open-head.ts";

const bigHead: OpenHead = { ...head, fields: [["x-big", "a".repeat(50_000)]] };

/** One end, of which the test plays the other; both may open streams. */
function end(role: "edge" | "agent", changes: Partial<TunnelSettings> = {}) {
  const closes: SessionClose[] = [];
  const resets: StreamReset[] = [];
  const sent: Uint8Array[] = [];
  const handlers = { onReset: (reset: StreamReset) => void resets.push(reset) };
  const settings = { ...(role === "edge" ? hubSettings : agentSettings), maxStreams: 4, ...changes };
  const session = new TunnelSession(
    {
      role,
      local: settings,
      remote: settings,
      send: (message) => sent.push(message),
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
  const open = (opened = head) => session.open(opened, handlers, false);
  /** Ids that the other end opens. */
  const [first, step] = [role === "edge" ? 2 : 1, 2];
  const theirs = (index: number): number => first + step * index;
  return { session, closes, resets, sent, receive, open, theirs };
}

const data = (stream: number, bytes: number): Frame => ({
  type: "data",
  stream,
  end: false,
  bytes: new Uint8Array(bytes),
});
const types = (messages: readonly Uint8Array[]): (number | undefined)[] =>
  messages.map((message) => message[0]);
const resetType = 0x24;

for (const role of ["edge", "agent"] as const) {
  test(`${role}, streams: no more are opened than the other end takes; one too many of the other's is refused`, () => {
    const { session, sent, closes, receive, open, theirs } = end(role);
    for (let count = 0; count < 4; count += 1) expect(open()).toBeDefined();
    expect(open()).toBeUndefined();
    for (let index = 0; index < 4; index += 1)
      receive({ type: "open", stream: theirs(index), end: false, head });
    expect(session.streams).toBe(8);
    sent.length = 0;
    receive({ type: "open", stream: theirs(4), end: false, head });
    expect(types(sent)).toEqual([resetType]);
    expect([session.streams, closes]).toEqual([8, []]);
  });

  test(`${role}, window of a stream: the sender stops at it; a byte beyond it resets the stream alone`, () => {
    const { session, resets, receive, open, theirs } = end(role);
    const stream = open()!;
    expect(stream.write(new Uint8Array(1_000_000))).toBe(limits.initialWindowBytes);
    receive({ type: "open", stream: theirs(0), end: false, head });
    receive(data(theirs(0), limits.initialWindowBytes));
    expect(session.unconsumedBytes).toBe(limits.initialWindowBytes);
    receive(data(theirs(0), 1));
    expect(resets).toMatchObject([{ code: "flow_control" }]);
    expect([stream.open, session.unconsumedBytes, session.closed]).toEqual([true, 0, false]);
  });

  test(`${role}, window of the connection: data stops at it, heads go on, and no stream is opened beyond the overdraft`, () => {
    const { session, open } = end(role, { maxStreams: 1_000 });
    const streams = Array.from({ length: 100 }, () => open()!);
    const wrote = streams.map((stream) => stream.write(new Uint8Array(limits.initialWindowBytes)));
    expect(wrote.filter((bytes) => bytes === 0).length).toBeGreaterThan(30);
    expect(session.inFlightBytes).toBeLessThanOrEqual(limits.connectionWindowBytes);
    let opened = 0;
    while (open(bigHead)) opened += 1;
    expect(opened).toBeGreaterThan(15);
    const most = limits.connectionWindowBytes + limits.headOverdraftBytes + limits.headBytes;
    expect(session.inFlightBytes).toBeLessThanOrEqual(most);
    // A small body may overdraw as heads do, and no further.
    expect(streams.at(-1)!.write(new Uint8Array(100))).toBe(0);
  });

  test(`${role}, frame and message: what is sent keeps both bounds; longer ones end the connection`, () => {
    const { sent, open } = end(role, {
      initialWindowBytes: 16 * 1024 * 1024,
      connectionWindowBytes: 16 * 1024 * 1024,
    });
    const stream = open()!;
    expect(stream.write(new Uint8Array(3_000_000))).toBe(3_000_000);
    for (const message of sent) {
      expect(message.length).toBeLessThanOrEqual(limits.tunnelMessageBytes);
      const payloadBytes = (message[6]! << 16) | (message[7]! << 8) | message[8]!;
      expect(payloadBytes).toBeLessThanOrEqual(limits.framePayloadBytes);
    }
    expect(() => open({ ...head, fields: [["x", "a".repeat(limits.headBytes)]] })).toThrow(RangeError);
    const declared = new Uint8Array(frameHeaderBytes);
    declared.set([0x22, 0, 0, 0, 0, 1, 0x01, 0x00, 0x01]);
    const lying = end(role);
    lying.session.receive(declared, 0);
    expect(lying.closes).toMatchObject([{ code: "too_large", local: true }]);
    const long = end(role);
    long.session.receive(new Uint8Array(limits.tunnelMessageBytes + 1), 0);
    expect(long.closes).toMatchObject([{ code: "too_large", local: true }]);
  });
}
