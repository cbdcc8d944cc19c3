import * as fc from "fast-check";
import { expect, test } from "vitest";
import { limits } from "../limits.ts";
import { TunnelProtocolError } from "./code.ts";
import { decodeMessage, encodeFrame } from "./frame.ts";
import type { Frame } from "./frame.ts";
import { FrameWriter } from "./frame-writer.ts";
import type { OpenHead } from "./head.ts";
import { arbitraryFrame } from "./testing/arbitrary-frame.ts";
import { naiveDecode, naiveEncode } from "./testing/naive-codec.ts";
import vectors from "./vectors.json";

// A failure prints the seed and the path that repeat it.
fc.configureGlobal({ numRuns: 1_000 });

function encode(...frames: Frame[]): Uint8Array {
  const writer = new FrameWriter(16);
  for (const frame of frames) encodeFrame(writer, frame);
  return writer.take();
}

function decode(message: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  decodeMessage(message, (frame) => frames.push(frame));
  return frames;
}

const plain = (frames: Frame[]): unknown =>
  frames.map((frame) =>
    "bytes" in frame && typeof frame.bytes !== "number" ? { ...frame, bytes: [...frame.bytes] } : frame,
  );

/** Frames, or `violation`; anything else that is thrown fails the test. */
function verdict(decoder: (message: Uint8Array) => Frame[], message: Uint8Array): unknown {
  try {
    return plain(decoder(message));
  } catch (error) {
    if (error instanceof TunnelProtocolError) return "violation";
    throw error;
  }
}

const fromHex = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

test("what is encoded decodes to the same, alone and in messages of many frames", () => {
  fc.assert(
    fc.property(fc.array(arbitraryFrame, { maxLength: 10 }), (frames) => {
      expect(plain(decode(encode(...frames)))).toEqual(plain(frames));
    }),
  );
});

test("the fast encoder and the naive one write the same bytes", () => {
  fc.assert(
    fc.property(arbitraryFrame, (frame) => {
      expect(toHex(encode(frame))).toBe(toHex(naiveEncode(frame)));
    }),
  );
});

test("the fast decoder and the naive one agree on messages with a few bytes changed, added or cut", () => {
  const change = fc.record({
    at: fc.nat(1_000),
    to: fc.nat(255),
    how: fc.constantFrom("set", "insert", "cut"),
  });
  fc.assert(
    fc.property(
      fc.array(arbitraryFrame, { minLength: 1, maxLength: 3 }),
      fc.array(change, { minLength: 1, maxLength: 4 }),
      (frames, changes) => {
        const bytes = [...encode(...frames)];
        for (const { at, to, how } of changes) {
          const place = at % (bytes.length + 1);
          if (how === "set" && place < bytes.length) bytes[place] = to;
          else if (how === "insert") bytes.splice(place, 0, to);
          else bytes.length = place;
        }
        const message = Uint8Array.from(bytes);
        expect(verdict(decode, message)).toEqual(verdict(naiveDecode, message));
      },
    ),
    { numRuns: 5_000 },
  );
});

test("arbitrary bytes decode or are a violation, nothing else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (message) => {
      expect(verdict(decode, message)).toEqual(verdict(naiveDecode, message));
    }),
    { numRuns: 5_000 },
  );
});

test.each(vectors.frames)("vector: $name", ({ hex, frame }) => {
  const [decoded, ...more] = plain(decode(fromHex(hex))) as Frame[];
  expect(more).toEqual([]);
  expect(decoded).toEqual(frame);
  expect(toHex(encode(decode(fromHex(hex))[0]!))).toBe(hex);
});

test.each(vectors.violations)("vector: $name", ({ hex, code }) => {
  let thrown: unknown;
  try {
    decode(fromHex(hex));
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(TunnelProtocolError);
  expect((thrown as TunnelProtocolError).code).toBe(code);
});

test("a declared length beyond the limit is refused from the header alone", () => {
  const header = fromHex("220000000001010001");
  expect(() => decode(header)).toThrow(/declares 65537 bytes/);
  expect(() => decode(new Uint8Array(limits.tunnelMessageBytes + 1))).toThrow(TunnelProtocolError);
});

const head: OpenHead = {
  kind: "http",
  endpoint: "a|b",
  method: "GET",
  scheme: "http",
  authority: "a",
  target: "/",
  fields: [],
};

test.each<[string, Frame]>([
  [
    "a head longer than the limit",
    { type: "open", stream: 1, end: true, head: { ...head, target: "/".repeat(limits.headBytes) } },
  ],
  [
    "too many fields",
    { type: "trailers", stream: 1, fields: Array.from({ length: 1_025 }, () => ["a", "b"] as const) },
  ],
  ["a field value that is no octets", { type: "trailers", stream: 1, fields: [["a", "€"]] }],
  ["data longer than a frame", { type: "data", stream: 1, end: true, bytes: new Uint8Array(65_537) }],
])("%s is not encoded, and leaves no trace in the message", (_name, frame) => {
  const writer = new FrameWriter(16);
  encodeFrame(writer, { type: "ping", ack: false, token: 7 });
  expect(() => encodeFrame(writer, frame)).toThrow(RangeError);
  expect(decode(writer.take())).toEqual([{ type: "ping", ack: false, token: 7 }]);
});

test("a reason is cut to its limit at a character", () => {
  const [frame] = decode(encode({ type: "reset", stream: 1, code: 11, detail: "ü".repeat(300) }));
  expect(frame).toMatchObject({ detail: "ü".repeat(128) });
});
