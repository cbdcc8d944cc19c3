import { expect, test } from "vitest";
import { dataFrame, trailersFrame } from "#contract/body-frames.ts";
import type { Fields } from "#contract/tunnel/head.ts";
import { UnframedStream } from "./unframed-stream.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A stream that takes `room` bytes at once. */
function setUp(room: number) {
  let left = room;
  const seen = { text: "", trailers: undefined as Fields | undefined, broken: "" };
  const stream = {
    write(chunk: Uint8Array): number {
      const taken = Math.min(left, chunk.length);
      seen.text += decoder.decode(chunk.subarray(0, taken));
      left -= taken;
      return taken;
    },
    end: (trailers: Fields = []) => void (seen.trailers = trailers),
    reset: () => undefined,
  };
  const unframed = new UnframedStream(stream, (detail) => (seen.broken = detail));
  const open = (): void => {
    left = room;
    unframed.writable();
  };
  return { unframed, seen, open };
}

const body = new Uint8Array([
  ...dataFrame(encoder.encode("hello ")),
  ...dataFrame(encoder.encode("world")),
  ...trailersFrame([["x-sum", "42"]]),
]);

test.each([1, 2, 7, body.length])(
  "data and trailers, in pieces of %i bytes, at the stream's pace",
  (pieceBytes) => {
    for (const room of [1, 3, 100]) {
      const { unframed, seen, open } = setUp(room);
      // One buffer for all pieces, as readers have it.
      const buffer = new Uint8Array(pieceBytes);
      for (let at = 0; at < body.length;) {
        const piece = body.subarray(at, at + pieceBytes);
        buffer.set(piece);
        const taken = unframed.write(buffer.subarray(0, piece.length));
        buffer.fill(0);
        at += taken;
        if (taken === 0) open();
      }
      unframed.end();
      while (!seen.trailers) open();
      expect(seen).toEqual({ text: "hello world", trailers: [["x-sum", "42"]], broken: "" });
    }
  },
);

test("what is no such body, or ends before its last frame, has broken off", () => {
  const nonsense = setUp(100);
  nonsense.unframed.write(encoder.encode("no frames at all"));
  expect(nonsense.seen.broken).toMatch(/frame kind/);
  const half = setUp(100);
  half.unframed.write(body.subarray(0, 14));
  half.unframed.end();
  expect(half.seen).toMatchObject({ broken: "the request broke off", trailers: undefined });
});
