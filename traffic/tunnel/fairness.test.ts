import { expect, test } from "vitest";
import { limits } from "#contract/limits.ts";
import type { OpenHead } from "#contract/tunnel/head.ts";
import { agentSettings, hubSettings } from "#contract/tunnel/settings.ts";
import { TunnelSession } from "./session.ts";
import type { StreamHandlers, TunnelStream } from "./stream.ts";

const bulkStreams = 8;
const block = new Uint8Array(limits.framePayloadBytes);

function head(target: string): OpenHead {
  const [method, scheme, authority, endpoint] = ["GET", "http", "a", "web|10.0.0.1:80"];
  return { kind: "http", method, scheme, authority, endpoint, target, fields: [] };
}

/** What the edge received, in order: the stream's target and the bytes. */
type Arrival = readonly [target: string, bytes: number];

/**
 * An agent that answers `/bulk` without end and `/BYTES` with as many. Its messages to the edge wait until they are
 * delivered, as in the buffers of a slow line; everything else is immediate. All readers read at once.
 */
class Line {
  readonly arrivals: Arrival[] = [];
  readonly ended = new Set<string>();
  readonly #waiting: Uint8Array[] = [];
  readonly #edge: TunnelSession;
  readonly #agent: TunnelSession;

  constructor() {
    const shared = { schedule: (flush: () => void) => flush() };
    const handlers = { onControl: () => {}, onClose: () => expect.unreachable() };
    this.#edge = new TunnelSession(
      {
        ...shared,
        role: "edge",
        local: hubSettings,
        remote: agentSettings,
        send: (message) => this.#agent.receive(message, 0),
        handlers: { ...handlers, onStream: () => "refused" },
      },
      0,
    );
    this.#agent = new TunnelSession(
      {
        ...shared,
        role: "agent",
        local: agentSettings,
        remote: hubSettings,
        send: (message) => this.#waiting.push(message),
        handlers: { ...handlers, onStream: (stream, { target }) => answer(stream, target) },
      },
      0,
    );
  }

  open(target: string): void {
    let stream: TunnelStream | undefined;
    const handlers: StreamHandlers = {
      onData: (chunk) => {
        this.arrivals.push([target, chunk.length]);
        stream!.consumed(chunk.length);
      },
      onEnd: () => void this.ended.add(target),
      onReset: () => expect.unreachable(),
    };
    stream = this.#edge.open(head(target), handlers, true);
  }

  get inFlightBytes(): number {
    return this.#agent.inFlightBytes;
  }

  deliver(): void {
    this.#edge.receive(this.#waiting.shift()!, 0);
  }

  /** Until streams of bulk fill the line, with windows that have grown. */
  fill(): void {
    for (let count = 0; count < bulkStreams; count += 1) this.open("/bulk");
    for (let count = 0; count < 500; count += 1) this.deliver();
    this.arrivals.length = 0;
  }
}

function answer(stream: TunnelStream, target: string): StreamHandlers {
  let leftBytes = target === "/bulk" ? Infinity : Number(target.slice(1));
  const write = (): void => {
    while (leftBytes > 0) {
      const bytes = Math.min(leftBytes, block.length);
      const took = stream.write(block.subarray(0, bytes));
      leftBytes -= took;
      if (took < bytes) return;
    }
    stream.end();
  };
  stream.respond({ status: 200, fields: [] });
  write();
  return { onWritable: write, onReset: () => expect.unreachable() };
}

const bulkBytes = (arrivals: readonly Arrival[]): number =>
  arrivals.reduce((sum, [target, bytes]) => sum + (target === "/bulk" ? bytes : 0), 0);

test.each([1, 1_000, limits.headStartBytes])(
  "an answer of %d bytes waits for the bulk that is on its way, and for no more",
  (bytes) => {
    const line = new Line();
    line.fill();
    line.open(`/${bytes}`);
    while (!line.ended.has(`/${bytes}`)) line.deliver();
    expect(bulkBytes(line.arrivals)).toBeGreaterThan(limits.connectionWindowBytes / 2);
    expect(bulkBytes(line.arrivals)).toBeLessThanOrEqual(limits.connectionWindowBytes);
  },
);

test("of long answers each gets its share", () => {
  const line = new Line();
  const target = "/100000000";
  line.open(target);
  line.fill();
  // By now every window has grown as far as it does.
  for (let count = 0; count < 600; count += 1) line.deliver();
  const totalBytes = line.arrivals.reduce((sum, [, bytes]) => sum + bytes, 0);
  const share = (totalBytes - bulkBytes(line.arrivals)) / (totalBytes / (bulkStreams + 1));
  expect(share).toBeGreaterThan(0.9);
  expect(share).toBeLessThan(1.1);
});

test("many small answers at once overdraw no further than heads may, and all of them arrive", () => {
  const line = new Line();
  line.fill();
  const targets = Array.from({ length: 1_000 }, (_, index) => `/${3_000 + index}`);
  for (const target of targets) line.open(target);
  expect(line.inFlightBytes).toBeGreaterThan(limits.connectionWindowBytes);
  expect(line.inFlightBytes).toBeLessThanOrEqual(
    limits.connectionWindowBytes + limits.headOverdraftBytes + limits.headBytes,
  );
  while (!targets.every((target) => line.ended.has(target))) line.deliver();
});
