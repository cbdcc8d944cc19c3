// Hostile conversations with both roles of a session, checked after every message: nothing is thrown, memory is bounded,
// the end comes once. And every message by two codecs, which must read the same in it.
import { TunnelProtocolError } from "#contract/tunnel/code.ts";
import { decodeMessage, type Frame } from "#contract/tunnel/frame.ts";
import { naiveDecode } from "../../../contract/tunnel/testing/naive-codec.ts";
import { limits } from "#contract/limits.ts";
import { agentSettings, hubSettings } from "#contract/tunnel/settings.ts";
import { TunnelSession } from "../session.ts";
import type { StreamHandlers, TunnelStream } from "../stream.ts";
import { FrameSource } from "./frame-source.ts";
import { Random } from "./random.ts";

export interface FuzzResult {
  readonly frames: number;
  readonly conversations: number;
  /** How conversations ended, by close code; `open`: not at all. */
  readonly ends: Readonly<Record<string, number>>;
}

/** Messages of one conversation, if nothing ends it before. */
const messagesPerConversation = 200;
/** Every so many messages go through both codecs: the naive one is a hundred times slower. */
const comparedShare = 0.05;

/** Runs until so many frames were sent. Throws an error that names the seed of the conversation that failed. */
export function fuzzSessions(options: { seed: number; frames: number }): FuzzResult {
  const ends: Record<string, number> = {};
  let frames = 0;
  let conversations = 0;
  for (let seed = options.seed; frames < options.frames; seed += 1) {
    const role = seed % 2 === 0 ? "edge" : "agent";
    try {
      const conversation = converse(role, new Random(seed));
      frames += conversation.frames;
      ends[conversation.end] = (ends[conversation.end] ?? 0) + 1;
    } catch (error) {
      throw new Error(`seed ${seed} (${role}): ${error instanceof Error ? error.stack : String(error)}`, {
        cause: error,
      });
    }
    conversations += 1;
  }
  return { frames, conversations, ends };
}

function converse(role: "edge" | "agent", random: Random): { frames: number; end: string } {
  // Streams few, so that their bound is reached.
  const maxStreams = 8;
  const closes: string[] = [];
  let resets = 0;
  let opened = 0;
  let nowMs = 0;
  const handlers: StreamHandlers = { onReset: () => void (resets += 1) };
  const streams: TunnelStream[] = [];
  /** Ids of the streams that this side opened. */
  const ours: number[] = [];
  const session = new TunnelSession(
    {
      role,
      local: { ...(role === "edge" ? hubSettings : agentSettings), maxStreams },
      remote: { ...agentSettings, maxStreams },
      send: () => {},
      schedule: (flush) => flush(),
      handlers: {
        onStream: (stream) => {
          opened += 1;
          streams.push(stream);
          return random.chance(0.1) ? "refused" : handlers;
        },
        onControl: () => {},
        onClose: ({ code, local }) => {
          // A violation has a code of its own; this one is for what was not foreseen.
          check(!local || code !== "internal", "closed for a reason of its own");
          closes.push(code);
        },
      },
    },
    nowMs,
  );
  const source = new FrameSource(random, role === "edge" ? 2 : 1, () => ours.slice(-6));
  for (let count = 0; count < messagesPerConversation && !session.closed; count += 1) {
    nowMs += random.below(50);
    act({ session, streams, ours, handlers, random }, nowMs);
    opened = Math.max(opened, streams.length);
    const message = source.next();
    if (random.chance(comparedShare)) compareCodecs(message);
    session.receive(message, nowMs);
    check(session.streams <= 2 * maxStreams, `${session.streams} streams`);
    check(session.unconsumedBytes >= 0, `${session.unconsumedBytes} unconsumed bytes`);
    check(
      session.unconsumedBytes <= 2 * maxStreams * limits.streamWindowBytes,
      `${session.unconsumedBytes} unconsumed bytes`,
    );
    check(resets <= opened, `${resets} resets of ${opened} streams`);
    check(closes.length === (session.closed ? 1 : 0), `closed ${closes.length} times`);
  }
  session.lost("the end of the test");
  check(session.streams === 0, "streams after the end");
  return { frames: source.frames, end: closes[0] ?? "open" };
}

interface Side {
  readonly session: TunnelSession;
  readonly streams: TunnelStream[];
  readonly ours: number[];
  readonly handlers: StreamHandlers;
  readonly random: Random;
}

/** What this side does meanwhile: opens, writes, reads, drains. */
function act({ session, streams, ours, handlers, random }: Side, nowMs: number): void {
  if (random.chance(0.3)) {
    const kind = random.pick(["http", "websocket", "tcp"] as const);
    const head = {
      kind,
      endpoint: "e",
      method: "GET",
      scheme: "http",
      authority: "a",
      target: "/",
      fields: [],
    };
    const stream = session.open(head, handlers, random.chance(0.3));
    if (stream) {
      streams.push(stream);
      ours.push(stream.id);
    }
  }
  const stream = streams.at(-1 - random.below(4));
  if (stream?.open) {
    if (random.chance(0.2)) stream.write(new Uint8Array(random.below(3_000)));
    if (random.chance(0.5)) stream.consumed(Math.min(stream.unconsumedBytes, random.below(20_000)));
    if (random.chance(0.02)) stream.reset("cancelled");
    if (random.chance(0.05)) stream.end([]);
  }
  if (random.chance(0.1)) session.tick(nowMs);
  if (random.chance(0.005)) session.drain("test");
}

function compareCodecs(message: Uint8Array): void {
  const [fast, naive] = [verdict(fastDecode, message), verdict(naiveDecode, message)];
  check(
    fast === naive,
    `the codecs disagree on ${[...message.subarray(0, 200)].join(" ")}: ${fast.slice(0, 300)} or ${naive.slice(0, 300)}`,
  );
}

function fastDecode(message: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  decodeMessage(message, (frame) => frames.push(frame));
  return frames;
}

function verdict(decode: (message: Uint8Array) => Frame[], message: Uint8Array): string {
  try {
    return JSON.stringify(decode(message), (_key, value: unknown) =>
      value instanceof Uint8Array ? [...value] : value,
    );
  } catch (error) {
    if (error instanceof TunnelProtocolError) return "violation";
    throw error;
  }
}

function check(holds: boolean, problem: string): void {
  if (!holds) throw new Error(problem);
}
